"""Whether the process that made a run still lives; a process id alone may be somebody else's by now."""

from __future__ import annotations

import os
from pathlib import Path


def identity(pid: int | None = None) -> str:
    """``PID:START``; START (boot and start time, proc(5)) is empty where the system does not tell."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}:{_start(pid)}"


def machine() -> str:
    return os.uname().nodename


def lives(process: str, on: str) -> bool:
    """Whether the process with this identity on that machine still runs; elsewhere it counts as alive
    only as long as nobody can know, which is to say: it does not."""
    if on != machine():
        return False
    pid, _, start = process.partition(":")
    if not pid.isdigit():
        return False
    now = _start(int(pid))
    if now or start:
        return now == start
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else f"{boot[:8]}.{fields[19]}"
