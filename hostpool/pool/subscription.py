"""The stream of events to one reader. Only a reader that is slow slows the workers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from hostpool.events import HostEvent, Output

LIMIT = 4 * 1024 * 1024
"""Bytes (roughly) that wait for a slow reader before the workers' readers wait too."""
_BASE_WEIGHT = 256


def _weight(event: HostEvent) -> int:
    return _BASE_WEIGHT + (len(event.text) if isinstance(event, Output) else 0)


class Subscription:
    """Iterate over it, or ``take`` what is there. ``close`` lets everybody go on without it.

    ``wanted``, asked on the pool's threads, keeps away what would wake the reader for nothing.
    """

    def __init__(self, wanted: Callable[[HostEvent], bool] | None = None) -> None:
        self._wanted = wanted
        self._changed = threading.Condition()
        self._events: deque[HostEvent] = deque()
        self._weight = 0
        self._closed = False

    def put(self, event: HostEvent, *, block: bool = True) -> None:
        """Called by the pool; blocks (with ``block``) while the reader is far behind."""
        if self._wanted is not None and not self._wanted(event):
            return
        with self._changed:
            while block and self._weight > LIMIT and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            self._events.append(event)
            self._weight += _weight(event)
            if len(self._events) == 1:
                self._changed.notify_all()

    def take(self, timeout: float | None = None) -> list[HostEvent]:
        """All events that wait; blocks up to ``timeout`` seconds for the first. Empty: none came
        in time, or the subscription is closed."""
        with self._changed:
            if timeout is None:
                while not self._events and not self._closed:
                    self._changed.wait()
            else:
                until = time.monotonic() + timeout
                while not self._events and not self._closed:
                    left = until - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(left)
            taken = list(self._events)
            self._events.clear()
            self._weight = 0
            if taken:
                self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Makes a blocked ``take`` look again (and return what it has when it has waited enough)."""
        with self._changed:
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """No more events: what waits can still be taken, writers never block again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[HostEvent]:
        while True:
            taken = self.take()
            yield from taken
            if not taken and self._closed:
                return
