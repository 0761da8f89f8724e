"""Filters on paths (of the control node or as text)."""

from __future__ import annotations

import glob
import ntpath
import os
import posixpath
from collections.abc import Callable
from typing import Any


def path_join(parts: Any) -> str:
    if isinstance(parts, str):
        return posixpath.join(parts)
    return posixpath.join(*(str(part) for part in parts))


def fileglob(pattern: str) -> list[str]:
    return sorted(name for name in glob.glob(pattern) if os.path.isfile(name))  # noqa: PTH113, PTH207 -- text in, text out


FILES: dict[str, Callable[..., Any]] = {
    "basename": lambda path: posixpath.basename(str(path)),
    "dirname": lambda path: posixpath.dirname(str(path)),
    "splitext": lambda path: list(posixpath.splitext(str(path))),
    "normpath": lambda path: posixpath.normpath(str(path)),
    "realpath": lambda path: os.path.realpath(str(path)),
    "expanduser": lambda path: os.path.expanduser(str(path)),  # noqa: PTH111 -- text in, text out
    "expandvars": lambda path: os.path.expandvars(str(path)),
    "relpath": lambda path, start=".": os.path.relpath(str(path), start),
    "commonpath": lambda paths: posixpath.commonpath([str(path) for path in paths]),
    "path_join": path_join,
    "fileglob": fileglob,
    "win_basename": lambda path: ntpath.basename(str(path)),
    "win_dirname": lambda path: ntpath.dirname(str(path)),
    "win_splitdrive": lambda path: list(ntpath.splitdrive(str(path))),
}
