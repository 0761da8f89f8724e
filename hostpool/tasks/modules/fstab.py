"""The lines of an fstab(5): only those of one mount point are ever touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.editing import lines_of

FIELDS = ("src", "name", "fstype", "opts", "dump", "passno")


def escaped(value: str) -> str:
    """As getmntent(3) reads it; a line break would begin another entry."""
    for letter, code in (("\\", "\\134"), (" ", "\\040"), ("\t", "\\011"), ("\n", "\\012"), ("&", "\\046")):
        value = value.replace(letter, code)
    return value


def entry(line: str) -> dict[str, str] | None:
    """The fields, as they are written; None for a comment and for what is no entry."""
    fields = line.split("#")[0].split()
    if line.lstrip().startswith("#") or not 4 <= len(fields) <= 6:
        return None
    return dict(zip(FIELDS, [*fields, "0", "0"], strict=False))


def with_entry(text: str, wanted: Mapping[str, Any]) -> str:
    """The entry is there, as wanted; a new one is put at the end."""
    line = " ".join(escaped(str(wanted[field])) for field in FIELDS) + "\n"
    out, found = [], False
    for each in lines_of(text):
        there = entry(each)
        if there is None or not _same(there, wanted):
            out.append(each)
            continue
        found = True
        same = all(there[field] == escaped(str(wanted[field])) for field in FIELDS)
        out.append(each if same else line)
    if found:
        return "".join(out)
    return "".join(out) + ("\n" if out and not out[-1].endswith("\n") else "") + line


def without_entry(text: str, wanted: Mapping[str, Any]) -> str:
    kept = []
    for each in lines_of(text):
        there = entry(each)
        if there is None or not _same(there, wanted):
            kept.append(each)
    return "".join(kept)


def _same(there: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """Swap has no mount point: there the device counts."""
    if there["name"] != escaped(wanted["name"]):
        return False
    if there["name"] == "none" and there["fstype"] == "swap" and wanted.get("src"):
        return there["src"] == escaped(str(wanted["src"]))
    return True
