"""Text files that are changed in part: read whole, worked out here, written back at once."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from hostpool.tasks.base import Request
from hostpool.tasks.modules.backups import kept_as
from hostpool.tasks.modules.base import Mode, ModuleFailed, Result, Steps, change, query, require
from hostpool.tasks.modules.paths import INFO, PERL_INFO, SET, Info, foretold, take, wanted
from hostpool.tasks.modules.spec import Param
from hostpool.tasks.modules.writing import Content, text_diff, write
from hostpool.tasks.perl import Sub

LARGEST = 16 << 20
"""Bytes of a file that is worked on here."""
_LOOK = INFO + rf"""
f=$1; if [ -n "$2" ] && [ -L "$f" ]; then f=$(readlink -f -- "$f"); fi
printf '%s\n\001end\n' "$f"; hp_info "$f" -L ""
if [ -f "$f" ]; then head -c {LARGEST + 1} -- "$f" || exit; fi
"""  # fmt: skip
_TELL = Sub(
    "edit",
    rf"""
sub hp_edit {{
  my ($path, $follow) = @_;
  $path = hp_real($path) if length $follow && -l $path;
  out("$path\n\001end\n");
  hp_info($path, '-L', '');
  out(hp_head($path, {LARGEST + 1})) if -f $path;
}}
""",
    needs=(PERL_INFO,),
)
_SET = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" "" ""\n'

FILE: Mapping[str, Param] = {
    "mode": Param("mode"), "owner": Param(), "group": Param(), "unsafe_writes": Param("bool", False),
}  # fmt: skip
"""What every module takes that leaves a file."""
LABELS: Mapping[str, str] = {
    "attributes": "chattr is not done", "attr": "chattr is not done",
    "selevel": "labels are kept, not set", "serole": "labels are kept, not set",
    "setype": "labels are kept, not set", "seuser": "labels are kept, not set",
}  # fmt: skip
"""What such a module refuses."""


class Found(NamedTuple):
    """The file a link leads to, what is there, its content."""

    path: str
    info: Info
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "surrogateescape")


def look(path: str, *, follow: bool = True) -> Generator[Request[Any], Any, Found]:
    """One round trip. Without ``follow`` a link itself is what will be written. Raises ModuleFailed."""
    reply = yield from query(_LOOK, path, "follow" if follow else "", most=LARGEST, perl=_TELL)
    name, _, rest = require(reply, f"{path} cannot be read").stdout.partition(b"\n\x01end\n")
    info, content = take(rest)
    if info.kind == "directory":
        raise ModuleFailed(f"Path {path} is a directory !", rc=256)
    if len(content) > LARGEST:
        raise ModuleFailed(f"{path} is larger than 16 MiB", rc=256)
    return Found(name.decode("utf-8", "surrogateescape"), info, content)


def lines_of(text: str) -> list[str]:
    """With their ends; only a newline ends one (str.splitlines knows many more)."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def edited(
    args: Mapping[str, Any], mode: Mode, found: Found, after: bytes, message: str, more: Result
) -> Steps:
    """Writes ``after`` if it differs, sets mode and owner if they do; one round trip if anything does.

    A missing directory is made. The result is ``more`` and ``changed msg diff backup_file``; where ``more``
    names a ``path``, also what is there.
    """
    path, info, before = found
    attributes = wanted(args, info, 0o644)
    base: Result = {"msg": message, **more}
    if "path" in more:
        base = {**foretold(info, attributes, "file", len(after)).keys(more["path"]), **base}
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
    if attributes and info.exists:
        told["msg"] = f"{message} and ownership, perms or SE linux context changed"
    if args.get("backup") and info.exists:
        told["backup_file"] = kept_as(path, Content.of(before).sha1, content.sha1)
    now = yield from write(path, info, content, attributes, args, told, parents=True)
    return {**told, **now.keys(more["path"])} if "path" in more else told
