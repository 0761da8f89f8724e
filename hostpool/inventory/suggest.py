"""The nearest known name, for hints: wrong names are mostly slips of the finger."""

from __future__ import annotations

from collections.abc import Iterable

MAX_CANDIDATES = 20_000


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name in ``known`` most like ``word``, or None. Looks at names of about the same length only,
    and at the first 20,000 of them: a hint must not take longer than the run it is about."""
    from difflib import get_close_matches
    from itertools import islice

    candidates = [name for name in known if abs(len(name) - len(word)) <= 3 and name != word]
    found = get_close_matches(word, islice(candidates, MAX_CANDIDATES), n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The hint itself, or None when nothing is near."""
    name = nearest(word, known, cutoff)
    return None if name is None else f"did you mean {name}?"
