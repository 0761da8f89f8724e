"""What a cron job remembers of its runs, and when somebody is to be told. Pure, but for the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

RENOTIFY = 86400.0
_STARTS = 12

Notice = Literal["failed", "still", "recovered", "changed"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one run of the job ended. ``signature`` is equal for equal failures and empty when all is well;
    ``changed``: something on a host was changed; ``told`` is one line for people."""

    started: float
    ended: float
    exit_code: int
    told: str
    command: str
    signature: str = ""
    changed: bool = False
    run: str | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a NAME between its runs. ``notified`` is the signature of the failure that was
    reported last, empty when none is; ``streak`` counts failures in a row."""

    starts: tuple[float, ...] = ()
    last: Outcome | None = None
    streak: int = 0
    bad_since: float | None = None
    notified: str = ""
    notified_at: float = 0.0

    @property
    def interval(self) -> float | None:
        """Seconds between two runs, as they were until now."""
        gaps = [after - before for before, after in zip(self.starts, self.starts[1:], strict=False)]
        return median(gaps) if gaps else None

    @property
    def next_expected(self) -> float | None:
        interval = self.interval
        return None if interval is None else self.starts[-1] + interval


def decide(
    memory: Memory, outcome: Outcome, *, renotify: float = RENOTIFY, notify_after: int = 1
) -> tuple[Notice | None, Memory]:
    """Whether to tell, and what to remember.

    Told is a failure when it was there ``notify_after`` times in a row, again whenever it is another one,
    and as it is after ``renotify`` seconds; the recovery from one that was told; and every change.
    """
    starts = (*memory.starts, outcome.started)[-_STARTS:]
    if not outcome.signature:
        notice: Notice | None = "changed" if outcome.changed else None
        if memory.notified:
            notice = "recovered"
        return notice, Memory(starts=starts, last=outcome)
    streak = memory.streak + 1
    notice = None
    if not memory.notified:
        notice = "failed" if streak >= notify_after else None
    elif outcome.signature != memory.notified:
        notice = "failed"
    elif outcome.ended - memory.notified_at >= renotify:
        notice = "still"
    return notice, Memory(
        starts=starts,
        last=outcome,
        streak=streak,
        bad_since=outcome.started if memory.bad_since is None else memory.bad_since,
        notified=outcome.signature if notice else memory.notified,
        notified_at=outcome.ended if notice else memory.notified_at,
    )


def load(file: Path) -> Memory:
    """Empty when there is none yet, or none that can be read: then it is told too often, not too rarely."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError):
        return Memory()


def save(file: Path, memory: Memory) -> None:
    """Whole or not at all. Raises OSError."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(memory))
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def names(directories: Sequence[Path]) -> dict[str, Path]:
    """The NAMEs that are remembered, each with its file."""
    found: dict[str, Path] = {}
    for directory in directories:
        for file in sorted(directory.glob("*.json")) if directory.is_dir() else ():
            found.setdefault(file.name.removesuffix(".json"), file)
    return dict(sorted(found.items()))
