"""jinja2 without what it only tries; for processes of ours alone, as hostpool.lean."""

from __future__ import annotations

from hostpool.lean import Later, standing_in


def import_jinja2() -> None:
    """It asks inspect about coroutines, which no template of ours has, and in the filter ``attr``: 5 ms of a
    play's start. Others serve filters (urllib: 2 ms), numbers with a point (ast: 1) and debugging (pprint).
    """
    with standing_in({home: Later(home, *names) for home, *names in _SELDOM}):
        import jinja2.ext
        import jinja2.nativetypes
        import jinja2.sandbox  # noqa: F401


_SELDOM = (
    ("inspect", "getattr_static"),
    ("urllib.parse", "quote_from_bytes"),
    ("ast", "literal_eval", "parse"),
    ("pprint",),
)
"""What it imports, with the names that it takes from there."""
