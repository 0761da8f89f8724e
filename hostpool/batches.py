"""Rolling runs: how hosts are split into batches and when failures are too many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from hostpool.errors import UsageError
from hostpool.results import HostResult

_FAILURES = frozenset({"failed", "timeout", "unreachable", "lost"})


class Limit(msgspec.Struct, frozen=True):
    """``N`` hosts or, with ``percent``, N % of all selected ones."""

    number: float
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> Limit:
        """``"3"`` or ``"10%"``. Raises UsageError."""
        number, percent = _number(text, "max-fail")
        return cls(number, percent)

    def exceeded(self, failed: int, total: int) -> bool:
        """Whether *more* than the limit have failed."""
        return failed > (self.number * total / 100 if self.percent else self.number)


def failures(result: HostResult) -> int:
    """1 for a host that counts against max-fail, else 0."""
    return 1 if result.status in _FAILURES else 0


def check_sizes(sizes: Sequence[str]) -> None:
    """Raises UsageError for a size that is neither a number above 0 nor a percentage."""
    for text in sizes:
        number, percent = _number(text, "batch")
        if number <= 0 or (percent and number > 100) or (not percent and number != int(number)):
            raise UsageError(
                f"batch size {text!r}", hint="sizes are numbers of hosts or percentages: --batch 1,10%,100%"
            )


def split(hosts: Sequence[str], sizes: Sequence[str]) -> Iterator[Sequence[str]]:
    """The batches, in order; the last size repeats until all hosts have had their turn. Percentages
    are of all hosts, rounded down but at least one. No sizes: one batch."""
    if not sizes:
        yield hosts
        return
    check_sizes(sizes)
    start = 0
    number = 0
    while start < len(hosts):
        amount, percent = _number(sizes[min(number, len(sizes) - 1)], "batch")
        size = max(1, math.floor(amount * len(hosts) / 100)) if percent else int(amount)
        yield hosts[start : start + size]
        start += size
        number += 1


def _number(text: str, what: str) -> tuple[float, bool]:
    percent = text.endswith("%")
    try:
        number = float(text.rstrip("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise UsageError(
            f"{what}: {text!r} is neither a number nor a percentage", hint="for example 3 or 10%"
        )
    return number, percent
