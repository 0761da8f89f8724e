"""One attempt to connect: a deadline over all of its stages, and a person who may stop it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

from hostpool.alarms import Alarms
from hostpool.stop import Stop

Stage = Literal["dns", "tcp", "proxy", "jump", "banner", "kex", "auth"]


class Attempt:
    """Whatever an attempt waits on is aborted at its deadline or when it is stopped.

    ``stage`` says what it waits for; ``end`` is why it was ended, None while it was not.
    Aborts run in the alarm's or the stopper's thread: they must be quick, and may come twice.
    """

    def __init__(self, alarms: Alarms, seconds: float, stop: Stop) -> None:
        self.stage: Stage = "dns"
        self.seconds = seconds
        self.end: Literal["expired", "stopped"] | None = None
        self._alarms = alarms
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._aborts: list[Callable[[], None]] = []
        self._alarm = alarms.at(self._deadline, self._expire)
        self._unsubscribe = stop.subscribe(self._stop)

    def remaining(self) -> float:
        """Seconds left, never negative; 0 once ended."""
        return 0.0 if self.end else max(0.0, self._deadline - time.monotonic())

    def guard(self, abort: Callable[[], None]) -> None:
        """Calls ``abort`` when the attempt is ended; at once if it was."""
        with self._lock:
            self._aborts.append(abort)
        if self.end:
            abort()

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """What is guarded inside is guarded no longer afterwards: a jump host that was reached is
        not to be closed because what lies behind it does not answer."""
        with self._lock:
            outer = len(self._aborts)
        try:
            yield
        finally:
            with self._lock:
                del self._aborts[outer:]

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The clock stands still inside: a person is being asked, or it is our own turn to wait."""
        left = self.remaining()
        self._alarm.cancel()
        try:
            yield
        finally:
            self._deadline = time.monotonic() + left
            self._alarm = self._alarms.at(self._deadline, self._expire)

    def close(self) -> None:
        self._alarm.cancel()
        self._unsubscribe()

    def _expire(self) -> None:
        self._finish("expired")

    def _stop(self) -> None:
        self._finish("stopped")

    def _finish(self, end: Literal["expired", "stopped"]) -> None:
        with self._lock:
            if self.end is None:
                self.end = end
            aborts = list(self._aborts)
        for abort in aborts:
            abort()
