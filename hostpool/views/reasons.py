"""Why hosts failed, folded: a host's own name or address in the reason does not keep it apart.

``connection refused by 10.0.0.8:22`` and ``… 10.0.0.9:22`` are one reason, told as
``connection refused by 10.0.0.[8-9]:22``; a hint ``hostpool keys accept web1`` becomes one for all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hostpool.errors import ErrorInfo
from hostpool.inventory.ranges import fold as fold_names

OWN, PLACE = "\0", "\1"
"""Placeholders: for the host's name, and for an address with its port."""

_PLACE = r"(?<![\w.:\[-])(?:\[[0-9A-Fa-f:.%\w]+\]|[A-Za-z0-9][\w.-]*):[0-9]{1,5}(?![\w.])"
TOLD = frozenset({"exit_status", "signal"})
"""Kinds whose message says only what exit code and signal say."""

LONGEST = 60
"""Characters of folded addresses; which hosts they belong to stands before them anyway."""

Places = tuple[str, ...]


def generalised(error: ErrorInfo | None, host: str) -> tuple[ErrorInfo | None, Places]:
    """``error`` with placeholders, and what stood in place of each PLACE in message and hint."""
    if error is None:
        return None, ()
    message = _general(error.message, host)
    hint = error.hint and _general(error.hint, host)
    places = (*re.findall(_PLACE, error.message), *re.findall(_PLACE, error.hint or ""))
    return ErrorInfo(error.kind, message, hint, error.retryable), places


def particular(error: ErrorInfo, hosts: Sequence[str], places: Sequence[Places]) -> ErrorInfo:
    """The reverse, for all ``hosts`` that share the reason."""
    own = hosts[0] if len(hosts) == 1 else fold_names(hosts)
    values = iter([_folded(list(dict.fromkeys(column))) for column in zip(*places, strict=True)])

    def filled(text: str) -> str:
        return re.sub(PLACE, lambda _: next(values, "?"), text).replace(OWN, own)

    message = filled(error.message)
    return ErrorInfo(error.kind, message, error.hint and filled(error.hint), error.retryable)


def _general(text: str, host: str) -> str:
    text = re.sub(_PLACE, PLACE, text.replace(OWN, "").replace(PLACE, ""))
    if not host:
        return text
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", OWN, text)


def _folded(places: list[str]) -> str:
    if len(places) == 1:
        return places[0]
    folded = "" if any("[" in place for place in places) else fold_names(places)
    return folded if 0 < len(folded) <= LONGEST else f"{places[0]} and {len(places) - 1} more"
