"""Ending a whole process group on this machine, and knowing that it is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from hostpool.stop import Stop, StopReason

CONFIRM = 2.0  # seconds after KILL for the group to be gone
TICK = 0.05  # seconds between looks at a group that is being ended


class Ending:
    """TERM, then KILL, for a whole process group; ``confirmed`` once no process of it is left."""

    def __init__(self, group: int, stop: Stop) -> None:
        self.due: float | None = None
        self.began = False
        self.confirmed = False
        self._group = group
        self._stop = stop
        self._give_up = 0.0
        self._kill_at = 0.0
        self._killed = False

    @property
    def reason(self) -> StopReason | None:
        return self._stop.reason

    def step(self, *, gone: bool) -> bool:
        """Whether it is over. ``gone``: the leader was reaped, so its group may be empty."""
        if self._stop.reason is None:
            return False
        now = time.monotonic()
        if not self.began:
            self.began = True
            self._kill_at = now + self._stop.grace
            self._give_up = self._kill_at + CONFIRM
            signal_group(self._group, signal.SIGTERM)
            signal_group(self._group, signal.SIGCONT)
        if now >= self._kill_at and not self._killed:
            self._killed = True
            signal_group(self._group, signal.SIGKILL)
        self.due = min(now + TICK, self._give_up)
        self.confirmed = gone and not group_lives(self._group)
        return self.confirmed or now >= self._give_up


def signal_group(group: int, number: int) -> bool:
    """Whether there was anybody to get it. A process of another user (EPERM) is somebody."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def group_lives(group: int) -> bool:
    """Whether a process of the group is more than a zombie that nobody has reaped yet."""
    if not signal_group(group, 0):
        return False
    stats = list(Path("/proc").glob("[0-9]*/stat"))
    return not stats or any(_is_living_member(stat, group) for stat in stats)


def _is_living_member(stat: Path, group: int) -> bool:
    """By proc(5): state and process group come after the command's name in parentheses."""
    try:
        state, _parent, its_group = stat.read_text("latin-1").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(its_group) == group and state not in "ZX"


def reap(child: subprocess.Popen[bytes]) -> None:
    """Nothing stays behind when a consumer raises: a child that still runs is ended, then waited for."""
    if child.poll() is None:
        signal_group(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(CONFIRM)
