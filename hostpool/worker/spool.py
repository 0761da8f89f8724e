"""A private directory for packed trees, shared by all workers of a run and gone after it.

It is named by the task's key, below TMPDIR, and only its owner can enter it. Every process that uses it
holds a shared lock; whoever can lock it alone is the last and removes it. So what a killed run leaves is
removed by the next one that passes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from hostpool.errors import TaskFailed

_LOCK = "lock"
_STALE = 3600.0
"""Seconds after which an unlocked directory of another run is nobody's."""


def _prefix() -> str:
    return f"hostpool-{os.getuid()}-"


class Spool:
    def __init__(self, key: str) -> None:
        if not key.isalnum():
            raise ValueError(f"{key!r} is no key of a task")
        self._directory = Path(tempfile.gettempdir()) / f"{_prefix()}{key}"
        self._lock = -1
        self._opening = threading.Lock()

    def open(self) -> Path:
        """The directory, made if need be. Raises TaskFailed."""
        with self._opening:
            if self._lock >= 0:
                return self._directory
            _sweep()
            try:
                for _ in range(100):
                    if self._take():
                        return self._directory
            except OSError as error:
                raise spool_failed(error) from error
        raise TaskFailed(f"{self._directory} goes as fast as it is made", kind="spool")

    def _take(self) -> bool:
        """False: somebody removed it between our steps."""
        with contextlib.suppress(FileExistsError):
            self._directory.mkdir(mode=0o700)
        known = self._directory.lstat()
        if known.st_uid != os.getuid() or known.st_mode & 0o077 or not self._directory.is_dir():
            raise TaskFailed(
                f"{self._directory} is not ours", kind="spool", hint="somebody else made it: see who, and why"
            )
        try:
            lock = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return False
        fcntl.flock(lock, fcntl.LOCK_SH)
        if os.fstat(lock).st_nlink == 0:
            os.close(lock)
            return False
        self._lock = lock
        return True

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """One at a time, over all threads and workers, for this name."""
        path = self.open() / f"{name}.lock"
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        if self._lock < 0:
            return
        lock, self._lock = self._lock, -1
        _remove_if_last(self._directory, lock)


def _remove_if_last(directory: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except OSError:
        pass  # another worker still reads from it
    finally:
        os.close(lock)


def discard(key: str, patience: float = 1.0) -> None:
    """What workers that were killed have left of tasks whose keys begin so; those that still end get a
    moment to."""
    until = time.monotonic() + patience
    while found := list(Path(tempfile.gettempdir()).glob(f"{_prefix()}{key}*")):
        for directory in found:
            _remove_unused(directory)
        if time.monotonic() > until:
            return
        time.sleep(0.02)


def _remove_unused(directory: Path) -> None:
    try:
        if directory.lstat().st_uid != os.getuid():
            return
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    _remove_if_last(directory, lock)


def _sweep() -> None:
    """What killed runs left behind."""
    old = time.time() - _STALE
    for directory in Path(tempfile.gettempdir()).glob(f"{_prefix()}*"):
        with contextlib.suppress(OSError):
            if directory.lstat().st_mtime < old:
                _remove_unused(directory)


def spool_failed(error: OSError) -> TaskFailed:
    return TaskFailed(
        f"cannot pack into {tempfile.gettempdir()}: {error.strerror}",
        kind="spool",
        hint="TMPDIR names a directory with more room",
    )
