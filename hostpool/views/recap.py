"""Ansible's recap of a playbook: of each host, its tasks counted by how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hostpool.results import HostResult
from hostpool.views.fold import names
from hostpool.views.neutralise import one_line
from hostpool.views.writer import Writer

COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
ALWAYS = COLUMNS[:4]
"""What is told also when there was none of it."""
MOST_PADDING = 30
_STYLE = {"ok": "32", "changed": "33", "unreachable": "35", "failed": "31", "skipped": "36",
          "rescued": "33", "ignored": "34"}  # fmt: skip


def recap_of(result: HostResult) -> dict[str, int] | None:
    """The counts that a playbook's run left in a host's result; None for other runs."""
    counts = (result.result or {}).get("recap")
    if not isinstance(counts, Mapping):
        return None
    return {column: int(counts.get(column, 0)) for column in COLUMNS}


class Recap:
    """Collects the counts of a run and gives them at its end, hosts with the same counts together."""

    def __init__(self, writer: Writer, *, together: bool = True) -> None:
        self._writer = writer
        self._together = together
        self._hosts: dict[str, dict[str, int]] = {}

    def add(self, host: str, counts: dict[str, int]) -> None:
        self._hosts[host] = counts

    def lines(self, *, quiet: bool) -> Iterator[str]:
        """``quiet``: only hosts that are not well."""
        groups: dict[object, list[str]] = {}
        for host, counts in self._hosts.items():
            if not quiet or counts["unreachable"] or counts["failed"]:
                groups.setdefault(tuple(counts.values()) if self._together else host, []).append(host)
        if not groups:
            return
        yield self._writer.paint("PLAY RECAP", "1") + "\n"
        named = {one_line(names(hosts)): self._hosts[hosts[0]] for hosts in groups.values()}
        width = min(MOST_PADDING, max(map(len, named)))
        for name, counts in named.items():
            cells = [self._cell(column, counts[column]) for column in COLUMNS]
            yield f"{name:<{width}} : {' '.join(filter(None, cells))}\n"

    def _cell(self, column: str, count: int) -> str:
        if not count:
            return f"{column}=0" if column in ALWAYS else ""
        return self._writer.paint(f"{column}={count}", _STYLE[column])
