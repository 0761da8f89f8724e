"""A task's time limits, on a clock that stands still while we ourselves are held up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hostpool.alarms import Alarm, Alarms
from hostpool.stop import StopReason

_RECHECK = 0.25


class TaskClock:
    """Calls ``expired(reason)`` once, when the task ran longer than ``limit`` or printed nothing for
    ``silence`` seconds. While ``stalled`` (the parent does not take our output) no time passes: a
    paused pager is not a time-out."""

    def __init__(
        self,
        alarms: Alarms,
        limit: float | None,
        silence: float | None,
        expired: Callable[[StopReason], None],
    ) -> None:
        self._alarms = alarms
        self._limit = limit
        self._silence = silence
        self._expired = expired
        self._lock = threading.Lock()
        self._alarm: Alarm | None = None
        self._running = False
        self._stalls = 0
        self._stalled_since = 0.0
        self._ends = 0.0
        self._quiet_ends = 0.0

    def start(self) -> None:
        if self._limit is None and self._silence is None:
            return
        with self._lock:
            now = time.monotonic()
            self._running = True
            self._ends = now + (self._limit if self._limit is not None else float("inf"))
            self._quiet_ends = now + (self._silence if self._silence is not None else float("inf"))
            self._arm()

    def stop(self) -> None:
        with self._lock:
            self._running = False
            if self._alarm is not None:
                self._alarm.cancel()

    def heard(self) -> None:
        """Output came: the silence begins anew."""
        if self._silence is not None:
            self._quiet_ends = time.monotonic() + self._silence

    def stall(self) -> None:
        """We begin to be held up (calls nest, from several streams)."""
        with self._lock:
            if self._stalls == 0:
                self._stalled_since = time.monotonic()
            self._stalls += 1

    def resume(self) -> None:
        with self._lock:
            self._stalls -= 1
            if self._stalls == 0:
                stalled = time.monotonic() - self._stalled_since
                self._ends += stalled
                self._quiet_ends += stalled

    def _arm(self) -> None:
        self._alarm = self._alarms.at(min(self._ends, self._quiet_ends), self._ring)

    def _ring(self) -> None:
        with self._lock:
            if not self._running:
                return
            now = time.monotonic()
            if self._stalls:
                self._alarm = self._alarms.at(now + _RECHECK, self._ring)
                return
            if min(self._ends, self._quiet_ends) > now:
                self._arm()
                return
            self._running = False
            reason: StopReason = "timeout" if self._ends <= now else "silence"
        self._expired(reason)
