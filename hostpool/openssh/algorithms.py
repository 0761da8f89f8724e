"""Algorithm lists of ssh_config(5): a plain list, or ``+``, ``-``, ``^`` relative to a default list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from .patterns import matches


class AlgorithmList(msgspec.Struct, frozen=True):
    """``operator`` is ``"="`` (replace), ``"+"`` (append), ``"-"`` (remove) or ``"^"`` (put first).

    ``patterns`` may hold wildcards.
    """

    operator: str
    patterns: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """The names as they are written, the operator before the first of them."""
        mark = "" if self.operator == "=" else self.operator
        return (mark + self.patterns[0], *self.patterns[1:])

    def apply(self, defaults: Sequence[str], supported: Iterable[str] = ()) -> tuple[str, ...]:
        """The list to offer, best first. Names that are not in ``supported`` fall out.

        ``supported``: everything that could be offered; the defaults belong to it always.
        An empty result means that nothing named is available: the caller refuses with the keyword.
        """
        if self.operator == "-":
            return tuple(name for name in defaults if not any(matches(name, pat) for pat in self.patterns))
        wanted: tuple[str, ...] = self.patterns
        if self.operator == "+":
            wanted = (*defaults, *self.patterns)
        elif self.operator == "^":
            wanted = (*self.patterns, *defaults)
        known = tuple(dict.fromkeys((*defaults, *supported)))
        return tuple(dict.fromkeys(name for pat in wanted for name in known if matches(name, pat)))


@lru_cache(maxsize=1024)
def parse_algorithms(text: str) -> AlgorithmList:
    """Reads the value of Ciphers, KexAlgorithms and their like. Raises ValueError."""
    operator = text[0] if text[:1] in ("+", "-", "^") else "="
    patterns = tuple((text if operator == "=" else text[1:]).split(","))
    if not all(patterns):
        raise ValueError("an empty name in the list")
    negated = next((pattern for pattern in patterns if pattern.startswith("!")), None)
    if negated:
        raise ValueError(f"{negated}: names cannot be negated one by one; begin the list with '-'")
    return AlgorithmList(operator, patterns)
