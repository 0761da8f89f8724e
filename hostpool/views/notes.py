"""Warnings, each shown once: those about hosts at the end, folded over all who gave the same."""

from __future__ import annotations

from collections.abc import Iterator

from hostpool.events import Warning
from hostpool.views.fold import names
from hostpool.views.neutralise import neutralise, one_line

DISTINCT = 1000
"""Different warnings kept; more of them are only counted."""


class Notes:
    """Collects warnings and says how to print them."""

    def __init__(self) -> None:
        self._general: set[tuple[str, str | None]] = set()
        self._hosts: dict[tuple[str, str | None], dict[str, None]] = {}
        self._dropped = 0

    def add(self, event: Warning) -> str:
        """What to print now: nothing for a repetition or for a host's warning."""
        key = (event.message, event.hint)
        if event.host is None:
            if key in self._general or len(self._general) >= DISTINCT:
                return ""
            self._general.add(key)
            return warning_text("", *key)
        if key in self._hosts or len(self._hosts) < DISTINCT:
            self._hosts.setdefault(key, {})[event.host] = None
        else:
            self._dropped += 1
        return ""

    def rest(self) -> Iterator[str]:
        """The hosts' warnings, folded; afterwards none are left."""
        hosts, self._hosts = self._hosts, {}
        for (message, hint), who in hosts.items():
            yield warning_text(one_line(names(list(who))) + ": ", message, hint)
        if self._dropped:
            yield f"warning: {self._dropped} more warnings about hosts are not shown\n"
            self._dropped = 0


def warning_text(who: str, message: str, hint: str | None) -> str:
    lines = [f"warning: {who}{neutralise(message)}".replace("\n", "\n  ")]
    if hint:
        lines.append(f"  hint: {neutralise(hint)}".replace("\n", "\n  "))
    return "\n".join(lines) + "\n"
