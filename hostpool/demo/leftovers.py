"""Ending what a fleet's hosts started, daemons included.

Everything a host runs inherits a marker in its environment, which outlives sessions, process groups
and the fleet itself. It is looked for in /proc; elsewhere only process groups that still run are ended.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

VARIABLE = "HOSTPOOL_DEMO"
PROC = Path("/proc")


def kill_marked(value: str, *, seconds: float = 5.0) -> bool:
    """SIGKILL all processes marked ``value`` until none is left; False if some still were after
    ``seconds``."""
    deadline = time.monotonic() + seconds
    while found := marked(value):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def marked(value: str) -> list[int]:
    """Pids of the live processes that carry the marker (zombies have no environment)."""
    entry = f"{VARIABLE}={value}".encode()
    found = []
    for path in PROC.glob("[0-9]*/environ"):
        try:
            if entry in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
