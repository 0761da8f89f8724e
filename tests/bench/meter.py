"""Runs commands one after the other and says what each cost: ``meter.py < spec.json > costs.json``.

A process of its own, standard library only: it adopts whatever the commands leave behind
(PR_SET_CHILD_SUBREAPER), so the CPU of workers, of processes too short to be seen and of masters that
stay for the next command all counts. What still runs after the last command is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_TICK = os.sysconf("SC_CLK_TCK")
_PAUSE = 0.05
PROC = Path("/proc")


def main() -> None:
    spec = json.load(sys.stdin)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    costs = []
    for argv in spec["commands"]:
        costs.append(_one(argv, spec))
        if costs[-1]["exit"] not in spec["good"]:
            break
    _end_the_rest()
    json.dump(costs, sys.stdout)


def _one(argv: list[str], spec: dict[str, Any]) -> dict[str, Any]:
    before = _cpu()
    sampler = _Sampler() if spec["memory"] else None
    marks: list[float] = []
    with open(spec["log"], "wb") as log:
        began = time.monotonic()
        out = subprocess.PIPE if spec["mark"] else subprocess.DEVNULL if spec["discard"] else log
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=spec["cwd"], env=spec["env"]
        )
        if spec["mark"]:
            marks = _watch(child, spec["mark"].encode(), began, spec["limit"])
        code, main_cpu = _wait(child, began + spec["limit"])
        wall = time.monotonic() - began
    _linger(spec["linger"])
    if sampler is not None:
        sampler.stop()
    return {
        "wall": wall,
        "cpu": _cpu() - before,
        "main_cpu": main_cpu,
        "exit": code,
        "memory": sampler.peak if sampler else None,
        "files": sampler.files if sampler else None,
        "first": marks[0] if marks else None,
        "last": marks[-1] if marks else None,
        "count": len(marks),
    }


def _wait(child: subprocess.Popen[bytes], until: float) -> tuple[int, float]:
    """Exit code and CPU seconds of the process itself, its waited children included."""
    alarm = threading.Timer(max(0.0, until - time.monotonic()), child.kill)
    alarm.start()
    _, status, used = os.wait4(child.pid, 0)
    alarm.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, used.ru_utime + used.ru_stime


def _watch(child: subprocess.Popen[bytes], mark: bytes, began: float, limit: float) -> list[float]:
    """When each occurrence of ``mark`` came out, until the end of the output."""
    assert child.stdout is not None
    found: list[float] = []
    rest = b""
    while select.select([child.stdout], [], [], max(0.0, began + limit - time.monotonic()))[0]:
        piece = os.read(child.stdout.fileno(), 1 << 16)
        if not piece:
            break
        text = rest + piece
        found += [time.monotonic() - began] * text.count(mark)
        end = text.rfind(mark)
        rest = text[end + len(mark) :] if end >= 0 else text
        rest = rest[-len(mark) + 1 :] if len(mark) > 1 else b""
    return found


def _linger(seconds: float) -> None:
    """Waits for what the command left behind to end by itself; reaps it."""
    until = time.monotonic() + seconds
    while _reap() and time.monotonic() < until:
        time.sleep(0.005)


def _reap() -> bool:
    """Whether there are children left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _end_the_rest() -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        _linger(2.0)


def _stat(pid: int) -> list[str]:
    """The fields of proc_pid_stat(5) from the state on."""
    return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _descendants() -> list[int]:
    found, queue = [], [os.getpid()]
    while queue:
        pid = queue.pop()
        for task in _listed(PROC / str(pid) / "task"):
            with contextlib.suppress(OSError):
                queue += map(int, (task / "children").read_text().split())
        found.append(pid)
    return found[1:]


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _cpu() -> float:
    """Seconds used so far by all that was started here, ended or not."""
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for pid in _descendants():
        with contextlib.suppress(OSError):
            ticks += sum(map(int, _stat(pid)[11:15]))
    return waited.ru_utime + waited.ru_stime + ticks / _TICK


class _Sampler:
    """The most memory (proportional set sizes added up: what is shared counts once) and the most files
    of one process, seen every twentieth of a second, or as
    often as takes a fifth of a core. Never in a round that counts."""

    def __init__(self) -> None:
        self.peak = 0
        self.files = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _PAUSE
        while not self._ended.wait(pause):
            began = time.monotonic()
            total = 0
            for pid in _descendants():
                with contextlib.suppress(OSError):
                    total += _proportional(pid)
                    self.files = max(self.files, len(os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208 -- quick
            self.peak = max(self.peak, total)
            pause = max(_PAUSE, 4 * (time.monotonic() - began))


def _proportional(pid: int) -> int:
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
