"""Looking at processes through /proc: who is alive, whose child, started with what marker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

PROC = Path("/proc")


def wait_until(condition: Callable[[], bool], *, seconds: float = 30.0, what: str = "condition") -> None:
    """Poll ``condition`` every 10 ms; raise AssertionError naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether ``pid`` runs. A zombie, which only waits to be reaped, does not."""
    state = _stat(pid)
    return state is not None and state[0] not in "ZX"


def command(pid: int) -> str:
    """The command line of ``pid``, words joined by blanks; empty if it is gone."""
    try:
        return (
            (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except OSError:
        return ""


def parent(pid: int) -> int | None:
    state = _stat(pid)
    return None if state is None else state[1]


def descendants(root: int) -> list[int]:
    """Pids of all live descendants of ``root``, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid in pids():
        state = _stat(pid)
        if state is not None and state[0] not in "ZX":
            children.setdefault(state[1], []).append(pid)
    found, queue = [], list(children.get(root, []))
    while queue:
        pid = queue.pop(0)
        found.append(pid)
        queue.extend(children.get(pid, []))
    return found


def marked(marker: str) -> list[int]:
    """Pids of live processes that were started with ``NAME=value`` in their environment."""
    entry = marker.encode()
    found = []
    for pid in pids():
        try:
            environment = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if entry in environment and alive(pid):
            found.append(pid)
    return found


def kill_all(targets: Iterable[int], signum: int = signal.SIGKILL) -> None:
    for pid in targets:
        try:
            os.kill(pid, signum)
        except (ProcessLookupError, PermissionError):
            pass


def wait_gone(targets: Sequence[int]) -> None:
    wait_until(lambda: not any(map(alive, targets)), what=f"{targets} ended")


def pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and parent of ``pid`` (proc(5): the name may hold blanks and brackets)."""
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])
