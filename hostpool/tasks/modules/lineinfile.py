"""lineinfile: one line of a file is there, as wanted, or gone.

Parameters:
    path: the file
    line: the line
    regexp: which line is replaced or removed
    search_string: the same, by a text that it holds
    state: whether the line is to be there
    insertafter: where a new line goes: after the last line this regular expression matches, or EOF
    insertbefore: where a new line goes: before the last line this regular expression matches, or BOF
    backrefs: line has references to groups of regexp; nothing is added where no line matches
    create: make the file where it is missing
    firstmatch: insertafter and insertbefore mean the first line that matches
    backup: keep the old file beside
    validate: a command that must succeed on the new file, %s in its text
    mode: its mode
    owner: its owner
    group: its group
    unsafe_writes: write in place where nothing can be moved over the file (a mount point)
Returns: ``msg``, ``found``, ``backup``, ``diff``
Needs: stat, head, cat, mv, chmod, chown; files up to 16 MiB.
Source: ansible.builtin.lineinfile of ansible-core 2.19.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps
from hostpool.tasks.modules.editing import FILE, LABELS, edited, lines_of, look
from hostpool.tasks.modules.spec import Param, Spec

Lines = list[str]


def lineinfile(args: Mapping[str, Any], mode: Mode) -> Steps:
    path = args["path"]
    state = args["state"]
    if state == "present" and args["line"] is None:
        raise ModuleFailed("line is required with state=present")
    if args["backrefs"] and args["regexp"] is None:
        raise ModuleFailed("regexp is required with backrefs=true")
    if (
        state == "absent"
        and args["regexp"] is None
        and args["search_string"] is None
        and args["line"] is None
    ):
        raise ModuleFailed("one of line, search_string, or regexp is required with state=absent")
    found = yield from look(path)
    if not found.info.exists:
        if state == "absent":
            return {"changed": False, "msg": "file not present"}
        if not args["create"]:
            raise ModuleFailed(f"Destination {path} does not exist !", rc=257)
    lines = lines_of(found.text)
    if state == "absent":
        new, message, more = _absent(args, lines)
    else:
        new, message, more = _present(args, lines)
    after = "".join(new).encode("utf-8", "surrogateescape")
    result = yield from edited(args, mode, found, after, message, {"backup": "", **more})
    return {**result, "backup": result.pop("backup_file", "")}


def _matcher(args: Mapping[str, Any]) -> Any:
    if args["search_string"] is not None:
        return lambda line: args["search_string"] in line
    if args["regexp"] is not None:
        try:
            pattern = re.compile(args["regexp"])
        except re.error as error:
            raise ModuleFailed(f"regexp {args['regexp']!r}: {error}") from error
        return lambda line: pattern.search(line.rstrip("\r\n"))
    return lambda line: line.rstrip("\r\n") == args["line"].rstrip("\r\n")


def _absent(args: Mapping[str, Any], lines: Lines) -> tuple[Lines, str, Result]:
    matches = _matcher(args)
    kept = [line for line in lines if not matches(line)]
    gone = len(lines) - len(kept)
    return kept, f"{gone} line(s) removed" if gone else "", {"found": gone}


def _present(args: Mapping[str, Any], lines: Lines) -> tuple[Lines, str, Result]:
    line = args["line"]
    hits: list[tuple[int, Any]] = []
    if args["regexp"] is not None or args["search_string"] is not None:
        matches = _matcher(args)
        hits = [(number, found) for number, each in enumerate(lines) if (found := matches(each))]
    if hits:
        number, found = hits[0] if args["firstmatch"] else hits[-1]
        return _replaced(args, lines, number, found)
    if args["backrefs"]:
        return lines, "", {}
    if any(each.rstrip("\r\n") == line for each in lines):
        return lines, "", {}
    return _inserted(args, lines)


def _replaced(args: Mapping[str, Any], lines: Lines, number: int, found: Any) -> tuple[Lines, str, Result]:
    line = args["line"]
    if args["backrefs"]:
        line = found.expand(line)
    if lines[number].rstrip("\r\n") == line.rstrip("\r\n"):
        return lines, "", {}
    return [*lines[:number], line.rstrip("\n") + "\n", *lines[number + 1 :]], "line replaced", {}


def _inserted(args: Mapping[str, Any], lines: Lines) -> tuple[Lines, str, Result]:
    line = args["line"].rstrip("\n") + "\n"
    before, after = args["insertbefore"], args["insertafter"]
    if before == "BOF" or after == "BOF":
        return [line, *lines], "line added", {}
    if before not in (None, "EOF"):
        at = _anchor(before, lines, args["firstmatch"])
        if at is not None:
            return [*lines[:at], line, *lines[at:]], "line added", {}
    elif after not in (None, "EOF"):
        at = _anchor(after, lines, args["firstmatch"])
        if at is not None:
            body = list(lines)
            if not body[at].endswith("\n"):
                body[at] += "\n"
            return [*body[: at + 1], line, *body[at + 1 :]], "line added", {}
    body = list(lines)
    if body and not body[-1].endswith("\n"):
        body[-1] += "\n"
    return [*body, line], "line added", {}


def _anchor(pattern: str, lines: Lines, first: bool) -> int | None:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise ModuleFailed(f"{pattern!r}: {error}") from error
    hits = [number for number, line in enumerate(lines) if regex.search(line.rstrip("\r\n"))]
    return (hits[0] if first else hits[-1]) if hits else None


MODULES = {
    "lineinfile": Module(
        Spec(
            "lineinfile",
            {
                "path": Param("path", required=True, aliases=("dest", "destfile", "name")),
                "line": Param(aliases=("value",)),
                "regexp": Param(aliases=("regex",)),
                "search_string": Param(),
                "state": Param(default="present", choices=("absent", "present")),
                "insertafter": Param(),
                "insertbefore": Param(),
                "backrefs": Param("bool", False),
                "create": Param("bool", False),
                "firstmatch": Param("bool", False),
                "backup": Param("bool", False),
                "validate": Param(),
                **FILE,
            },
            refused={**LABELS, "encoding": "files are taken as UTF-8; other bytes stay as they are"},
            exclusive=(("insertbefore", "insertafter"), ("regexp", "search_string")),
        ),
        lineinfile,
    )
}
