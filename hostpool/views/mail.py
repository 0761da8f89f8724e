"""A report that fits a mail: the view's own report, failures first, below a line like a subject."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from hostpool.results import GOOD, HostResult
from hostpool.secrets import Masker
from hostpool.views.fold import names
from hostpool.views.neutralise import one_line
from hostpool.views.options import ViewOptions
from hostpool.views.words import hosts_word, status_word

LINES = 200
_SUBJECT = 120
_WIDTH = 500
"""Characters of a line: mails are limited to 998 bytes a line (RFC 5321, 4.5.3.1.6)."""


class Paper:
    """Collects what a view prints, on both streams in their order; ``view`` takes it for its output."""

    def __init__(self) -> None:
        self._written = io.BytesIO()

    def options(
        self, masker: Masker, *, quiet: bool = False, fold: bool = True, compare: bool = False
    ) -> ViewOptions:
        return ViewOptions(
            stdout=self._written,
            stderr=self._written,
            quiet=quiet,
            bad_first=True,
            fold=fold,
            compare=compare,
            masker=masker,
        )

    def lines(self) -> list[str]:
        return self._written.getvalue().decode("utf-8", "replace").splitlines()


def report(subject: str, facts: Sequence[str], body: Sequence[str], rest: str) -> str:
    """At most LINES lines; ``rest`` says where the others are."""
    head = [_cut(one_line(subject), _SUBJECT), *map(one_line, facts), ""]
    room = LINES - len(head)
    shown = [_cut(line, _WIDTH) for line in body]
    if len(shown) > room or any(len(line) > _WIDTH for line in body):
        left = max(0, len(shown) - (room - 2))
        more = f"{left} more lines: {rest}" if left else f"lines were cut: {rest}"
        shown = [*shown[: room - 2], "", more]
    return "\n".join([*head, *shown]).rstrip("\n") + "\n"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def bad_hosts(results: Mapping[str, HostResult]) -> str:
    """``2 of 40 hosts failed: web[3,7]``, ``3 of 40 hosts not well: 2 failed, 1 lost``."""
    bad = [result for result in results.values() if result.status not in GOOD]
    kinds: dict[str, int] = {}
    for result in bad:
        kinds[status_word(result.status)] = kinds.get(status_word(result.status), 0) + 1
    of = f"{len(bad)} of {hosts_word(len(results))}"
    if len(kinds) > 1:
        return f"{of} not well: {', '.join(f'{number} {kind}' for kind, number in kinds.items())}"
    return f"{of} {next(iter(kinds), 'not well')}: {_folded(bad)}"


def changed_hosts(results: Mapping[str, HostResult]) -> str:
    changed = [result for result in results.values() if result.status == "changed"]
    return f"{len(changed)} of {hosts_word(len(results))} changed: {_folded(changed)}"


def _folded(results: Sequence[HostResult]) -> str:
    return (
        names([result.host for result in results]).rpartition(" (")[0] or results[0].host if results else ""
    )
