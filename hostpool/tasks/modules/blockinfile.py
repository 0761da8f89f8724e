"""blockinfile: lines between two marker lines of a file are there, as wanted, or gone.

Parameters:
    path: the file; a link's target is changed
    state: whether the block is to be there
    block: the lines; an empty block is the same as state absent
    marker: the marker lines, with {mark} for what tells the first from the last
    marker_begin: {mark} of the first marker line
    marker_end: {mark} of the last marker line
    insertafter: a new block goes after the last line this regular expression matches (or EOF)
    insertbefore: a new block goes before the last line this regular expression matches (or BOF)
    append_newline: an empty line follows the block, unless it ends the file
    prepend_newline: an empty line precedes the block, unless it begins the file
    create: make the file (and its directory) if it is missing
    backup: keep the old file beside it
    validate: a command that has to accept the new file, %s, before it takes the old one's place
    mode: permissions
    owner: user
    group: group
    unsafe_writes: write in place where the file cannot be replaced (a mount point)
Returns: ``msg``, ``backup_file``, ``diff``
Needs: stat, cat, head, mv, chmod, chown, for a link readlink
Differs: state absent never touches a file without the block (the peer ends its last line); files of up to
    16 MiB
Source: ansible.builtin.blockinfile of ansible-core 2.19
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps
from hostpool.tasks.modules.editing import FILE, LABELS, edited, lines_of, look
from hostpool.tasks.modules.spec import Param, Spec

Lines = list[str]


def blockinfile(args: Mapping[str, Any], mode: Mode) -> Steps:
    path = args["path"]
    found = yield from look(path)
    if not found.info.exists and not args["create"]:
        raise ModuleFailed(f"Path {path} does not exist !", rc=257)
    if not found.info.exists and args["state"] == "absent":
        return {"changed": False, "msg": f"File {path} not present"}
    present = args["state"] == "present" and args["block"] != ""
    after = _with_block(args, found.text, present)
    message = "Block inserted" if present else "Block removed"
    if not found.info.exists:
        message = "File created"
    elif after == found.text:
        message = ""
    return (yield from edited(args, mode, found, after.encode("utf-8", "surrogateescape"), message, {}))


def _with_block(args: Mapping[str, Any], text: str, present: bool) -> str:
    begin, end = (args["marker"].replace("{mark}", args[f"marker_{which}"]) for which in ("begin", "end"))
    lines, place = _without(lines_of(text), f"{begin}\n", f"{end}\n")
    if not present:
        return "".join(lines)
    if place is None:
        place = _place(args, lines, text)
    above, below = lines[:place], lines[place:]
    if above and not above[-1].endswith("\n"):
        above[-1] += "\n"
    if args["prepend_newline"] and above and above[-1] != "\n":
        above.append("\n")
    if args["append_newline"] and below and below[0] != "\n":
        below.insert(0, "\n")
    block = args["block"] if args["block"].endswith("\n") else args["block"] + "\n"
    return "".join([*above, f"{begin}\n", block, f"{end}\n", *below])


def _without(lines: Lines, begin: str, end: str) -> tuple[Lines, int | None]:
    """The lines without the block, and where it stood. Of several markers the last ones count."""
    places = [
        max((number for number, line in enumerate(lines) if line == marker), default=None)
        for marker in (begin, end)
    ]
    if places[0] is None or places[1] is None:
        return lines, None
    first, last = sorted((places[0], places[1]))
    return [*lines[:first], *lines[last + 1 :]], first


def _place(args: Mapping[str, Any], lines: Lines, text: str) -> int:
    """Where a new block goes: the number of lines above it."""
    after, before = args["insertafter"], args["insertbefore"]
    if before == "BOF":
        return 0
    if before is None and after in (None, "EOF"):
        return len(lines)
    try:
        pattern = re.compile(before if before is not None else after)
    except re.error as error:
        raise ModuleFailed(f"{before or after!r} is no regular expression: {error}") from error
    if pattern.flags & re.MULTILINE:
        match = pattern.search(text)
        if match is None:
            return len(lines)
        hit = text.count("\n", 0, match.start() if before is not None else match.end())
    else:
        hits = [number for number, line in enumerate(lines) if pattern.search(line)]
        if not hits:
            return len(lines)
        hit = hits[-1]
    return min(len(lines), hit if before is not None else hit + 1)


MODULES = {
    "blockinfile": Module(
        Spec(
            "blockinfile",
            {
                "path": Param("path", required=True, aliases=("dest", "destfile", "name")),
                "state": Param(default="present", choices=("absent", "present")),
                "block": Param(default="", aliases=("content",)),
                "marker": Param(default="# {mark} ANSIBLE MANAGED BLOCK"),
                "marker_begin": Param(default="BEGIN"), "marker_end": Param(default="END"),
                "insertafter": Param(), "insertbefore": Param(),
                "append_newline": Param("bool", False), "prepend_newline": Param("bool", False),
                "create": Param("bool", False), "backup": Param("bool", False), "validate": Param(),
                **FILE,
            },
            refused={**LABELS, "encoding": "files are taken as UTF-8; other bytes stay as they are"},
            exclusive=(("insertbefore", "insertafter"),),
        ),
        blockinfile,
    )
}  # fmt: skip
