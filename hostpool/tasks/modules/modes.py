"""File modes: chmod(1)'s symbolic words applied to a mode."""

from __future__ import annotations

import re

_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_CLAUSE = r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)"


def applied(mode: str, current: int, directory: bool) -> int:
    """``mode`` (octal digits or symbolic words) applied to ``current``. Without "who" a clause is
    for all, as Ansible has it (the umask is not asked)."""
    if mode.isdigit():
        return int(mode, 8)
    for clause in mode.split(","):
        found = re.fullmatch(_CLAUSE, clause)
        if found is None:
            raise ValueError(f"{mode!r} is no mode")
        who = "ugo" if not found[1] or "a" in found[1] else found[1]
        for action in re.findall(r"[-+=][rwxXstugo]*", found[2]):
            current = _changed(who, action[0], action[1:], current, directory)
    return current


def _changed(who: str, sign: str, letters: str, current: int, directory: bool) -> int:
    for each in who:
        shift = _SHIFT[each]
        bits = _bits(each, letters, current, directory)
        if sign == "+":
            current |= bits
        elif sign == "-":
            current &= ~bits
        else:
            special = {"u": 0o4000, "g": 0o2000, "o": 0o1000}[each]
            current = (current & ~((7 << shift) | special)) | bits
    return current


def _bits(who: str, letters: str, current: int, directory: bool) -> int:
    shift = _SHIFT[who]
    if letters in ("u", "g", "o"):
        return ((current >> _SHIFT[letters]) & 7) << shift
    bits = 0
    for letter in letters:
        if letter in _BITS:
            bits |= _BITS[letter] << shift
        elif letter == "X" and (directory or current & 0o111):
            bits |= 1 << shift
        elif letter == "s":
            bits |= {"u": 0o4000, "g": 0o2000, "o": 0}[who]
        elif letter == "t" and who == "o":
            bits |= 0o1000
    return bits
