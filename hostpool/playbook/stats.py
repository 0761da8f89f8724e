"""What set_stats gathers over a run, of each host and of all of them."""

from __future__ import annotations

from typing import Any

from hostpool.playbook.actions import Stats

RUN = "_run"


def gather(stats: dict[str, dict[str, Any]], host: str, new: Stats) -> None:
    """Adds to what is there: numbers, texts and lists are added, mappings merged; what is of another kind
    than before is left out, as the peer leaves it out."""
    own = stats.setdefault(host if new.per_host else RUN, {})
    for name, value in new.data.items():
        if not new.aggregate or name not in own:
            own[name] = value
        elif type(own[name]) is type(value):
            own[name] = _sum(own[name], value)


def _sum(old: Any, value: Any) -> Any:
    if isinstance(old, dict):
        return {**old, **value}
    try:
        return old + value
    except TypeError:
        return value
