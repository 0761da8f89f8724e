"""How a running job is told to stop, and why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

StopReason = Literal["timeout", "silence", "deadline", "cancelled"]
"""timeout: the task's own limit; silence: no output for too long; deadline: the run's limit;
cancelled: a person or max-fail stopped it."""


class Stop:
    """One per job, thread-safe. The first request wins; callbacks run in the requester's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._event = threading.Event()
        self.reason: StopReason | None = None
        self.grace = 0.0

    def request(self, reason: StopReason, grace: float) -> None:
        """Asks to stop: TERM on the host, KILL after ``grace`` seconds, then give up."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            self.grace = grace
            callbacks = list(self._callbacks)
        self._event.set()
        for callback in callbacks:
            callback()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back on a request (at once if there was one); returns how to unsubscribe."""
        with self._lock:
            self._callbacks.append(callback)
            late = self.reason is not None
        if late:
            callback()

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return unsubscribe

    def wait(self, seconds: float) -> bool:
        """Sleeps up to ``seconds``; whether a stop was requested meanwhile."""
        return self._event.wait(seconds)
