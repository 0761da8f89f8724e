"""jinja2 without what it only tries; for processes of ours alone, as hostpool.lean."""

from __future__ import annotations

from typing import Any

from hostpool.lean import Later, LaterName, standing_in


def import_jinja2() -> None:
    """It asks inspect about coroutines, which no template of ours has, and in the filter ``attr``: 5 ms of a
    play's start."""
    inspect: Any = Later("inspect")
    inspect.getattr_static = LaterName("inspect", "getattr_static")
    with standing_in({"inspect": inspect}):
        import jinja2  # noqa: F401
