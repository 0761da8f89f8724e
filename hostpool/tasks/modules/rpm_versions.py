"""Which of two versions of an rpm package is newer, and what a specification with an operator asks for.

Source: rpm-version(7).
"""

from __future__ import annotations

import re
from itertools import zip_longest

_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_CONDITION = re.compile(r"(\S+)\s+(<=|>=|=|<|>)\s+(\S+)")


def compare(one: str, other: str) -> int:
    """Of ``[epoch:]version[-release]``; a release counts only where both have one."""
    (epoch, version, release), (other_epoch, other_version, other_release) = _split(one), _split(other)
    if epoch != other_epoch:
        return epoch - other_epoch
    compared = _compared(version, other_version)
    return compared or (_compared(release, other_release) if release and other_release else 0)


def condition(spec: str) -> tuple[str, str, str] | None:
    """Name, operator and version of ``name >= 1.0``."""
    found = _CONDITION.fullmatch(spec.strip())
    return (found[1], found[2], found[3]) if found else None


def holds(version: str, operator: str, wanted: str) -> bool:
    compared = compare(version, wanted)
    sign = "=" if compared == 0 else "<" if compared < 0 else ">"
    return sign in operator


def _split(text: str) -> tuple[int, str, str]:
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    version, _, release = rest.partition("-")
    return int(epoch) if epoch.isdecimal() else 0, version, release


def _compared(one: str, other: str) -> int:
    """A tilde is older than the end, a caret newer; digits are newer than letters."""
    for first, second in zip_longest(_PARTS.findall(one), _PARTS.findall(other), fillvalue=""):
        if first != second and (difference := _rank(first, second)) != 0:
            return difference
    return 0


def _rank(one: str, other: str) -> int:
    if one.isdigit() and other.isdigit():
        return int(one) - int(other)
    kinds = [_kind(each) for each in (one, other)]
    if kinds[0] != kinds[1]:
        return kinds[0] - kinds[1]
    return (one > other) - (one < other)


def _kind(part: str) -> int:
    if part in ("~", "", "^"):
        return ("~", "", "^").index(part)
    return 4 if part.isdigit() else 3
