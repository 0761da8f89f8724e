"""Secrets as a type, and their masking by value wherever a person or a file gets text."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "********"
MIN_LENGTH = 6
"""Shorter values are not masked: they would hide half of every word (a warning says so)."""


class Secret:
    """A value that no repr, str or format shows; ``reveal()`` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


class Masker:
    """Replaces secret values in text: from the left, the longest that fits."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        wanted = {value for value in values if len(value) >= MIN_LENGTH}
        # A multi-line secret (a key) is also a secret line by line.
        for value in list(wanted):
            wanted.update(line for line in value.splitlines() if len(line) >= MIN_LENGTH)
        self._values = sorted(wanted, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._values))) if wanted else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def mask(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def settled(self, text: str) -> int:
        """How much of the beginning of ``text`` can be masked now, whatever comes after it: what
        may be the beginning of a secret waits, and so does a secret that reaches into that."""
        if self._pattern is None:
            return len(text)
        end = len(text) - self._held_back(text, 1)
        for match in self._pattern.finditer(text):
            if match.start() < end < match.end():
                return match.start()
        return end

    def mask_part(self, text: str, *, left: bool, right: bool, least: int = 1) -> str:
        """``text`` masked, which is a part of a longer one: cut off at its ``left`` or ``right`` end.
        What may be ``least`` or more characters of a secret there is left out."""
        if self._pattern is None:
            return text
        begin = self._reaching_in(text, least) if left else 0
        end = len(text) - self._held_back(text, least) if right else len(text)
        for match in self._pattern.finditer(text):
            if match.start() < begin < match.end():
                begin = match.end()
            if match.start() < end < match.end():
                end = match.start()
        if left and right and len(text) >= least and any(text in value for value in self._values):
            return ""
        return self.mask(text[begin:end])

    def _held_back(self, text: str, least: int) -> int:
        """The length of the longest end of ``text`` with which a secret begins."""
        longest = 0
        for value in self._values:
            for size in range(min(len(value) - 1, len(text)), max(longest, least - 1), -1):
                if text.endswith(value[:size]):
                    longest = size
                    break
        return longest

    def _reaching_in(self, text: str, least: int) -> int:
        """The length of the longest beginning of ``text`` with which a secret ends."""
        longest = 0
        for value in self._values:
            for size in range(min(len(value) - 1, len(text)), max(longest, least - 1), -1):
                if text.startswith(value[-size:]):
                    longest = size
                    break
        return longest


class MaskedStream:
    """Masks a stream that arrives in pieces: keeps back what may be a secret's beginning."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = ""

    def feed(self, text: str) -> str:
        """Takes a piece, returns what can be shown now."""
        if not self._masker:
            return text
        text = self._rest + text
        end = self._masker.settled(text)
        self._rest = text[end:]
        return self._masker.mask(text[:end])

    def close(self) -> str:
        """What was kept back: the stream ended, nothing more comes."""
        rest, self._rest = self._rest, ""
        return self._masker.mask(rest)
