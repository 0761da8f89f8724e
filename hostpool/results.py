"""What became of a host: the one record that link, views, jsonl, history and callers share."""

# Annotations are values in this file: of those that are text, as the future import makes them, msgspec would
# compile each for its decoders, at every start.
from typing import Any, Literal

import msgspec

from hostpool.errors import ErrorInfo

Status = Literal[
    "ok", "changed", "failed", "timeout", "unreachable", "lost", "cancelled", "not_run", "skipped"
]
STATUSES: tuple[Status, ...] = (
    "ok", "changed", "failed", "timeout", "unreachable", "lost", "cancelled", "not_run", "skipped",
)  # fmt: skip
GOOD: frozenset[Status] = frozenset({"ok", "changed", "skipped"})
"""The statuses for which ``successful()`` is true and the exit code is 0."""
LEFT_OUT = "\n[hostpool: {} bytes left out here]\n"
"""The line of ours in output that was too long to be kept whole."""


class HostResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="host_finished"):
    """How one host ended. Exactly one of these exists for every selected host of a run.

    ``stdout`` and ``stderr`` hold text (U+FFFD for what is not UTF-8; then the kept bytes stand in
    ``stdout_b64``/``stderr_b64`` too). Past the limit of ``--max-output`` they keep the first 64 KiB
    and the last part, with a line that says how much is missing between; ``stdout_bytes`` counts
    all that came. ``exit_code`` is None when no status arrived; ``signal`` is the name without SIG.
    ``duration`` is in seconds, from the start of the connection attempt.
    """

    ts: float
    host: str
    status: Status
    exit_code: int | None = None
    signal: str | None = None
    stdout: str = ""
    stderr: str = ""
    stdout_b64: bytes | None = None
    stderr_b64: bytes | None = None
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    duration: float = 0.0
    attempts: int = 0
    changed: bool | None = None
    would_run: bool = False
    still_running: bool = False
    result: dict[str, Any] | None = None
    error: ErrorInfo | None = None

    @property
    def ok(self) -> bool:
        """Whether the host ended ok, changed or skipped."""
        return self.status in GOOD


def counts_of(results: list[HostResult]) -> dict[Status, int]:
    """How many hosts ended in each status; every status is a key."""
    counts: dict[Status, int] = dict.fromkeys(STATUSES, 0)
    for result in results:
        counts[result.status] += 1
    return counts
