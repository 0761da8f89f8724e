"""Which of two versions of a Debian package is newer. Source: deb-version(7)."""

from __future__ import annotations

import re
from itertools import zip_longest

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")


def compare(one: str, other: str) -> int:
    """Below, at or above zero, as ``one`` is older than, equal to or newer than ``other``."""
    first, second = _split(one), _split(other)
    if first[0] != second[0]:
        return first[0] - second[0]
    return _compared(first[1], second[1]) or _compared(first[2], second[2])


def _split(version: str) -> tuple[int, str, str]:
    """Epoch, upstream version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isdecimal() else 0, upstream, revision


def _compared(one: str, other: str) -> int:
    pairs = zip_longest(_PARTS.findall(one), _PARTS.findall(other), fillvalue=("", ""))
    for (word, number), (other_word, other_number) in pairs:
        if word != other_word:
            return _words(word, other_word)
        if (difference := int(number or 0) - int(other_number or 0)) != 0:
            return difference
    return 0


def _words(one: str, other: str) -> int:
    """A tilde stands before the end, the end before letters, letters before all else."""
    ranks = [[_rank(character) for character in word] for word in (one, other)]
    for first, second in zip_longest(*ranks, fillvalue=0):
        if first != second:
            return first - second
    return 0


def _rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
