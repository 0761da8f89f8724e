"""A guard: what a test started in this process must be gone soon after it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith("hostile")}


def _sockets() -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(link.readlink()).startswith("socket:")
    return count


@contextlib.contextmanager
def nothing_left(seconds: float = 20.0) -> Iterator[None]:
    threads, sockets = _threads(), _sockets()
    yield
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _threads() <= threads and _sockets() <= sockets:
            return
        time.sleep(0.02)
    left = [thread.name for thread in _threads() - threads]
    raise AssertionError(f"left behind: threads {left}, {_sockets() - sockets} sockets")
