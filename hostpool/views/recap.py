"""Ansible's recap of a playbook: a line for each host, its tasks counted by how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hostpool.results import HostResult
from hostpool.views.neutralise import one_line
from hostpool.views.writer import Writer

COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
_STYLE = {"ok": "32", "changed": "33", "unreachable": "35", "failed": "31", "skipped": "36",
          "rescued": "33", "ignored": "34"}  # fmt: skip


def recap_of(result: HostResult) -> dict[str, int] | None:
    """The counts that a playbook's run left in a host's result; None for other runs."""
    counts = (result.result or {}).get("recap")
    if not isinstance(counts, Mapping):
        return None
    return {column: int(counts.get(column, 0)) for column in COLUMNS}


class Recap:
    """Collects the lines of a run and gives them at its end."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._hosts: dict[str, dict[str, int]] = {}

    def add(self, host: str, counts: dict[str, int]) -> None:
        self._hosts[host] = counts

    def lines(self, *, quiet: bool) -> Iterator[str]:
        """``quiet``: only hosts that are not well."""
        bad = ("unreachable", "failed")
        shown = {
            host: counts
            for host, counts in self._hosts.items()
            if not quiet or any(counts[column] for column in bad)
        }
        if not shown:
            return
        yield self._writer.paint("PLAY RECAP", "1") + "\n"
        for host, counts in shown.items():
            cells = " ".join(self._cell(column, counts[column]) for column in COLUMNS)
            yield f"{one_line(host):<26} : {cells}".rstrip() + "\n"

    def _cell(self, column: str, count: int) -> str:
        text = f"{column}={count}"
        return (self._writer.paint(text, _STYLE[column]) if count else text) + " " * max(
            0, 4 - len(str(count))
        )
