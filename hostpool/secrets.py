"""Secrets as a type, and their masking by value wherever a person or a file gets text."""

from __future__ import annotations

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
    """Replaces secret values in text, also where a value is split over chunks.

    Longer values win over shorter ones that they contain.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        wanted = {value for value in values if len(value) >= MIN_LENGTH}
        # A multi-line secret (a key) is also a secret line by line.
        for value in list(wanted):
            wanted.update(line for line in value.splitlines() if len(line) >= MIN_LENGTH)
        self._values = sorted(wanted, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._values)

    def mask(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def held_back(self, text: str) -> int:
        """How many characters at the end of ``text`` may be the beginning of a secret."""
        longest = 0
        for value in self._values:
            for size in range(min(len(value) - 1, len(text)), longest, -1):
                if text.endswith(value[:size]):
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
        text = self._masker.mask(self._rest + text)
        keep = self._masker.held_back(text)
        self._rest = text[len(text) - keep :] if keep else ""
        return text[: len(text) - keep] if keep else text

    def close(self) -> str:
        """What was kept back: the stream ended, so it is no secret."""
        rest, self._rest = self._rest, ""
        return rest
