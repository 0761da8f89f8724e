"""Patterns of ssh_config(5) and known_hosts: ``*`` and ``?``, lists with commas, negation by ``!``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], object]


def has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


@lru_cache(maxsize=16384)
def matcher(pattern: str) -> Matcher:
    """A predicate for one pattern; letters match as they stand."""
    if not has_wildcard(pattern):
        return pattern.__eq__
    # Runs of * mean the same as one; collapsing them keeps a hostile pattern from backtracking for ever.
    parts = (
        ".*" if part[0] == "*" else "." if part == "?" else re.escape(part)
        for part in re.findall(r"\*+|\?|[^*?]+", pattern)
    )
    return re.compile("".join(parts), re.DOTALL).fullmatch


def matches(text: str, pattern: str) -> bool:
    return bool(matcher(pattern)(text))


def matches_list(text: str, patterns: str) -> bool:
    """Whether a comma-separated list matches: one positive hit and no negated one."""
    found = False
    for pattern in patterns.split(","):
        if pattern.startswith("!"):
            if matcher(pattern[1:])(text):
                return False
        elif not found and matcher(pattern)(text):
            found = True
    return found


def matches_hostname(host: str, patterns: str) -> bool:
    """As ``matches_list``, without regard to case."""
    return matches_list(host.lower(), patterns.lower())
