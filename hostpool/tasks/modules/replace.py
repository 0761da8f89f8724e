"""replace: everything a regular expression matches in a file is replaced.

Parameters:
    path: the file; a link's target is changed
    regexp: Python's regular expression; ^ and $ match at each line
    replace: what is put there; \\1 and \\g<name> stand for groups; without it the match is removed
    after: only what follows this regular expression
    before: only what precedes this regular expression
    backup: keep the old file beside it
    validate: a command that has to accept the new file, %s, before it takes the old one's place
    encoding: the file's encoding
    mode: permissions
    owner: user
    group: group
    unsafe_writes: write in place where the file cannot be replaced (a mount point)
Returns: ``msg``, ``rc``, ``backup_file``, ``diff``
Needs: stat, cat, head, mv, chmod, chown, for a link readlink
Differs: files of up to 16 MiB
Source: ansible.builtin.replace of ansible-core 2.19
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps
from hostpool.tasks.modules.editing import FILE, LABELS, edited, look
from hostpool.tasks.modules.spec import Param, Spec


def replace(args: Mapping[str, Any], mode: Mode) -> Steps:
    path = args["path"]
    found = yield from look(path)
    if not found.info.exists:
        raise ModuleFailed(f"Path {path} does not exist !", rc=257)
    encoding = args["encoding"]
    errors = "surrogateescape" if encoding.lower().replace("-", "") == "utf8" else "strict"
    try:
        text = found.content.decode(encoding, errors)
    except (LookupError, UnicodeError) as error:
        raise ModuleFailed(f"{path} cannot be read as {encoding}: {error}") from error
    section = _section(args, text)
    if section is None:
        pattern = _surroundings(args)
        return {
            "changed": False, "rc": 0,
            "msg": f"Pattern for before/after params did not match the given file: {pattern}",
        }  # fmt: skip
    start, end = section
    try:
        new, count = re.subn(args["regexp"], args["replace"], text[start:end], flags=re.MULTILINE)
    except (re.error, IndexError) as error:
        raise ModuleFailed(f"Unable to process replace due to error: {error}") from error
    same = not count or new == text[start:end]
    message = "" if same else f"{count} replacements made"
    try:
        after = found.content if same else (text[:start] + new + text[end:]).encode(encoding, errors)
    except UnicodeError as error:
        raise ModuleFailed(f"the replacement cannot be written as {encoding}: {error}") from error
    return (yield from edited(args, mode, found, after, message, {"rc": 0}))


def _surroundings(args: Mapping[str, Any]) -> str:
    """The pattern whose group is the part of the file to be worked on; empty: all of it."""
    after, before = args["after"], args["before"]
    if after and before:
        return f"{after}(?P<subsection>.*?){before}"
    if after:
        return f"{after}(?P<subsection>.*)"
    return f"(?P<subsection>.*){before}" if before else ""


def _section(args: Mapping[str, Any], text: str) -> tuple[int, int] | None:
    pattern = _surroundings(args)
    if not pattern:
        return 0, len(text)
    try:
        match = re.search(pattern, text, re.DOTALL)
    except re.error as error:
        raise ModuleFailed(f"{pattern!r} is no regular expression: {error}") from error
    return None if match is None else match.span("subsection")


MODULES = {
    "replace": Module(
        Spec(
            "replace",
            {
                "path": Param("path", required=True, aliases=("dest", "destfile", "name")),
                "regexp": Param(required=True), "replace": Param(default=""),
                "after": Param(), "before": Param(), "backup": Param("bool", False), "validate": Param(),
                "encoding": Param(default="utf-8"), **FILE,
            },
            refused=LABELS,
        ),
        replace,
    )
}  # fmt: skip
