"""Files of the control node as tasks send them to hosts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hostpool.playbook.vault import is_vault
from hostpool.tasks.base import FileSource
from hostpool.tasks.modules.spec import BadArgument, Param, converted
from hostpool.tasks.modules.writing import Content

IN_MEMORY = 4 << 20
"""Bytes of a file beyond which it is read by the workers piece by piece."""
_HEAD = 32
"""Bytes of a file that tell what it is."""
_YES_OR_NO = Param("bool")


class BadTask(Exception):
    """The task cannot be carried out on this host; the message becomes ``msg``."""


def said(args: Mapping[str, Any], name: str, default: bool) -> bool:
    """An argument that is yes or no, before it is bound. Raises BadTask."""
    value = args.get(name)
    try:
        return default if value is None else bool(converted(_YES_OR_NO, name, value))
    except BadArgument as error:
        raise BadTask(str(error)) from error


def content_of(path: Path, decrypt: bool = True) -> Content:
    """Raises OSError, BadTask."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if decrypt:
            refuse_vaulted(head, path)
        size = os.fstat(file.fileno()).st_size
        if size <= IN_MEMORY:
            return Content.of(head + file.read())
        digest = hashlib.sha1(head)
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return Content(FileSource(str(path)), size, digest.hexdigest())


def refuse_vault(path: Path) -> None:
    with path.open("rb") as file:
        refuse_vaulted(file.read(_HEAD), path)


def refuse_vaulted(content: bytes | str, path: Path | str) -> None:
    """``content``: the file's, or how it begins. Raises BadTask."""
    if is_vault(content):
        raise BadTask(f"{path} is encrypted with Vault, which is read in variables only: not supported")


def tree_of(top: Path, *, with_itself: bool, follow: bool) -> list[tuple[str, Content | str | None]]:
    """What is in a directory: names and contents, None for a directory. Symlinks are what they lead to, or
    without ``follow`` the text of where that is. Raises OSError, BadTask."""
    base = top.parent if with_itself else top
    found: list[tuple[str, Content | str | None]] = [(top.name if with_itself else "", None)]
    for path in _walk(top, follow, (os.path.realpath(top),)):
        name = str(path.relative_to(base))
        if path.is_symlink() and not follow:
            found.append((name, str(path.readlink())))
        elif path.is_dir():
            found.append((name, None))
        elif path.is_file():
            found.append((name, content_of(path)))
    return found


def _walk(directory: Path, follow: bool, above: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        yield path
        if not path.is_dir() or (path.is_symlink() and not follow):
            continue
        real = os.path.realpath(path)
        if real in above:
            raise BadTask(f"{path} leads to a directory it is in")
        yield from _walk(path, follow, (*above, real))
