"""The words and colours for what became of hosts: the same in every view that a person reads."""

from __future__ import annotations

from collections.abc import Mapping

from hostpool.results import STATUSES, HostResult, Status

STYLE: dict[str, str] = {
    "ok": "32",
    "changed": "33",
    "failed": "31",
    "timeout": "31",
    "unreachable": "35",
    "lost": "35",
    "cancelled": "35",
    "not_run": "36",
    "skipped": "36",
}
"""SGR parameters (ECMA-48 8.3.117) of each status; they say nothing the words do not."""


def status_word(status: Status) -> str:
    return status.replace("_", " ")


def outcome(result: HostResult) -> str:
    """``failed, exit code 2``; without the reason, which stands in ``result.error``."""
    if result.would_run:
        return "would run"
    word = status_word(result.status)
    if result.signal:
        word += f", killed by signal {result.signal}"
    elif result.exit_code:
        word += f", exit code {result.exit_code}"
    return f"{word} (still running there)" if result.still_running else word


def seconds(value: float) -> str:
    """A duration for people: ``0.3 s``, ``12 s``, ``3:05 min``, ``2:04:09 h``."""
    value = max(0.0, value)
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h"


def amount(done: int, total: int, unit: str) -> str:
    """Progress for people: ``45 % of 12.0 MiB``, ``3/7 files``."""
    if unit == "bytes":
        if total > 0:
            return f"{min(100, 100 * done // total)} % of {_bytes(total)}"
        return _bytes(done)
    return f"{done}/{total} {unit}" if total > 0 else f"{done} {unit}"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def hosts_word(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def tally(counts: Mapping[Status, int]) -> list[tuple[Status, str]]:
    """``[("ok", "197 ok"), ...]`` for what is not zero, in the order of STATUSES."""
    return [(status, f"{counts[status]} {status_word(status)}") for status in STATUSES if counts.get(status)]


def indented(text: str) -> str:
    """Two spaces before every line that is not empty."""
    if not text:
        return ""
    body = text.removesuffix("\n")
    return "".join(f"  {line}\n" if line else "\n" for line in body.split("\n"))
