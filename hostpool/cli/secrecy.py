"""What this process must not show: learned secrets, and words of a command line that carry one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hostpool.secrets import MASK, Masker

_CARRIER = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api_?key)[\w.-]{0,64}\s{0,8}[=:]\s{0,8})(\S+)"
)
"""Bounded: it sees whole files, and a long word without bounds takes the square of its length."""

known_secrets: list[str] = []
"""Values that this process learned, for what is written when nobody can be handed a Masker: bug reports."""


def masked(words: Iterable[str]) -> list[str]:
    """A command line as it may stand in an event, a log or a report: known secrets by value, and what
    is assigned to a name that sounds like one (``DB_PASSWORD=…``)."""
    return [mask_text(word) for word in words]


def mask_text(text: str) -> str:
    return _CARRIER.sub(lambda match: match[1] + MASK, Masker(known_secrets).mask(text))
