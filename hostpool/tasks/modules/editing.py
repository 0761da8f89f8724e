"""Text files that are changed in part: read whole, worked out here, written back at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, ModuleFailed, Result, Steps, change, require
from hostpool.tasks.modules.paths import INFO, SET, Info, take, wanted
from hostpool.tasks.modules.writing import Content, temporary, text_diff, write

LARGEST = 16 << 20
LOOK = INFO + rf"""
f=$1; if [ -L "$f" ]; then f=$(readlink -f -- "$f"); fi
printf '%s\n\001end\n' "$f"; hp_info "$f" "" ""
if [ -f "$f" ]; then head -c {LARGEST + 1} -- "$f" || exit; fi
"""  # fmt: skip
_SET = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" "" ""\n'


def read_file(output: bytes, path: str) -> tuple[str, Info, bytes]:
    """The answer to LOOK: the file a link leads to, what is there, its content. Raises ModuleFailed."""
    name, _, rest = output.partition(b"\n\x01end\n")
    info, content = take(rest)
    if info.kind == "directory":
        raise ModuleFailed(f"Path {path} is a directory !", rc=256)
    if len(content) > LARGEST:
        raise ModuleFailed(f"{path} is larger than 16 MiB")
    return name.decode("utf-8", "surrogateescape"), info, content


def edited(
    args: Mapping[str, Any],
    mode: Mode,
    found: tuple[str, Info, bytes],
    after: bytes,
    message: str,
    more: Result,
) -> Steps:
    """Writes ``after`` if it differs, sets mode and owner if they do; one round trip if anything does.

    A link stays one: the file it leads to is written.
    """
    path, info, before = found
    attributes = wanted(args, info, 0o644)
    base: Result = {"msg": message, "backup": "", **more}
    if after == before and info.exists:
        if not attributes:
            return {**base, "changed": False}
        told = {**base, "changed": True, "msg": "ownership, perms or SE linux context changed"}
        reply = yield from change(
            _SET, path, attributes.mode, attributes.owner, attributes.group, foretells=told
        )
        require(reply, f"{path}: mode and owner could not be set", path=path)
        return told
    content = Content.of(after)
    told = {**base, "changed": True, **text_diff(path, before, after, mode)}
    backup: Result = {}
    if args.get("backup") and info.exists:
        backup["backup_file"] = told["backup"] = f"{path}.{temporary('', content.sha1)[2:10]}~"
    yield from write(path, info, content, attributes, args, {**told, **backup})
    return told
