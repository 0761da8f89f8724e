"""One timer thread for a whole process: every bounded wait of ours hangs on it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Alarm:
    """A callback due at a moment of the monotonic clock. ``cancel()`` is idempotent and cheap."""

    __slots__ = ("_callback", "when")

    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self._callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def ring(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Alarms:
    """Rings alarms in a daemon thread that starts with the first of them.

    Callbacks must be quick and must not raise: what they raise is logged and dropped, so that one
    bad callback cannot silence every deadline of the process.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        return self.at(time.monotonic() + seconds, callback)

    def at(self, when: float, callback: Callable[[], object]) -> Alarm:
        alarm = Alarm(when, callback)
        with self._changed:
            first = not self._heap or when < self._heap[0][0]
            heapq.heappush(self._heap, (when, next(self._order), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hostpool-alarms", daemon=True)
                self._thread.start()
            elif first:
                self._changed.notify()
        return alarm

    def close(self) -> None:
        """Ends the thread; alarms that have not rung never will."""
        with self._changed:
            self._closed = True
            self._heap.clear()
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed:
                    now = time.monotonic()
                    if self._heap and self._heap[0][0] <= now:
                        break
                    self._changed.wait(self._heap[0][0] - now if self._heap else None)
                if self._closed:
                    return
                alarm = heapq.heappop(self._heap)[2]
            try:
                alarm.ring()
            except Exception:
                import logging  # a bug: nothing else here logs, and it is 3 ms of each start

                logging.getLogger(__name__).exception("an alarm's callback failed")
