"""--chmod: changes of permission bits, as rsync(1) and chmod(1) write them."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

_SYMBOLIC = r"([ugoa]*)([-+=])([rwxXst]*)"
_OCTAL = r"[0-7]{1,4}"
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}


class Change(msgspec.Struct, frozen=True):
    """``only``: the kind it is meant for, None for both."""

    only: Literal["D", "F"] | None
    who: str
    sign: str
    bits: str

    def apply(self, mode: int, is_directory: bool) -> int:
        if self.only is not None and (self.only == "D") != is_directory:
            return mode
        if not self.sign:
            return int(self.bits, 8)
        who = 0
        for letter in self.who or "a":
            who |= _WHO[letter]
        bits = 0
        for letter in self.bits:
            if letter in _BITS:
                bits |= _BITS[letter] & who
            elif letter == "X":
                bits |= 0o111 & who if is_directory or mode & 0o111 else 0
            elif letter == "s":
                bits |= 0o6000 & who
            else:
                bits |= 0o1000
        if self.sign == "+":
            return mode | bits
        if self.sign == "-":
            return mode & ~bits
        keep = 0 if is_directory is False else 0o7000
        return (mode & ~(who & ~keep)) | bits


def parse(text: str) -> tuple[Change, ...]:
    """``D755,F644``, ``u=rwX,go-w``. Raises ValueError naming the part that is none."""
    return tuple(change for part in text.split(",") for change in _one(part))


def _one(part: str) -> list[Change]:
    only: Literal["D", "F"] | None = None
    rest = part
    if rest[:1] == "D":
        only, rest = "D", rest[1:]
    elif rest[:1] == "F":
        only, rest = "F", rest[1:]
    if re.fullmatch(_OCTAL, rest):
        return [Change(only, "", "", rest)]
    found = re.fullmatch(_SYMBOLIC, rest)
    if found is None:
        raise ValueError(f"{part!r} is no mode: write 644, D755,F644 or u=rwX,go-w")
    return [Change(only, found[1], found[2], found[3])]


def changed(changes: tuple[Change, ...], mode: int, is_directory: bool) -> int:
    for change in changes:
        mode = change.apply(mode, is_directory)
    return mode
