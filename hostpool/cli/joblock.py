"""One lock per NAME: two runs of a cron job are not at work at the same time.

flock(2) on a file that is never removed: the kernel frees it when its holder ends, however that is.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hostpool.errors import LockHeld
from hostpool.history.process import identity, lives, machine

Overlap = Literal["skip", "wait", "kill"]
_POLL = 0.1
_TERM_SECONDS = 20.0
"""How long a run may take to end its hosts' tasks and report, after SIGTERM."""
_KILL_SECONDS = 5.0
GRACE = 60.0
"""Seconds past its deadline after which a holder is overdue."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lock, in its own words. ``deadline``: seconds it gave itself."""

    process: str
    started: float
    deadline: float

    @property
    def pid(self) -> int:
        return int(self.process.partition(":")[0])

    def overdue(self, now: float) -> bool:
        return now > self.started + self.deadline + GRACE


class Held(LockHeld):
    """The lock was not to be had; ``holder`` is None when it did not say who it is."""

    holder: Holder | None = None


@contextmanager
def locked(file: Path, overlap: Overlap, *, deadline: float, patience: float) -> Iterator[None]:
    """Holds the lock of ``file``. Raises Held when it cannot be had, after at most ``patience`` seconds
    with ``wait`` (of several that wait one does, the others skip); OSError when there can be no file."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if not _taken(descriptor):
            _overcome(descriptor, file, overlap, patience)
        _write(descriptor, Holder(identity(), time.time(), deadline))
        yield
    finally:
        os.close(descriptor)


def _overcome(descriptor: int, file: Path, overlap: Overlap, patience: float) -> None:
    if overlap == "kill" and _killed(descriptor):
        return
    if overlap == "wait" and _waited(descriptor, file, patience):
        return
    held = Held(f"another run of {file.stem} holds the lock")
    held.holder = _holder(descriptor)
    raise held


def _killed(descriptor: int) -> bool:
    holder = _holder(descriptor)
    for number, seconds in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        if holder is not None and lives(holder.process, machine()):
            try:
                os.kill(holder.pid, number)
            except OSError:
                pass
        if _polled(descriptor, seconds):
            return True
    return False


def _waited(descriptor: int, file: Path, patience: float) -> bool:
    queue = os.open(file.with_suffix(".queue"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        return _taken(queue) and _polled(descriptor, patience)
    finally:
        os.close(queue)


def _polled(descriptor: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not _taken(descriptor):
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL)
    return True


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(descriptor: int, holder: Holder) -> None:
    text = json.dumps(
        {"process": holder.process, "started": holder.started, "deadline": holder.deadline}
    ).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def _holder(descriptor: int) -> Holder | None:
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(str(said["process"]), float(said["started"]), float(said["deadline"]))
    except (ValueError, KeyError, TypeError):
        return None
