"""The one thread on which all callbacks of a pool run."""

from __future__ import annotations

import queue
import threading

from hostpool.pool.result import Callback
from hostpool.results import HostResult


class Callbacks:
    """Starts with the first callback. What a callback raises is logged: it must not stop the others."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callback, HostResult] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def here(self) -> bool:
        """Whether the caller is a callback."""
        return threading.current_thread() is self._thread

    def call(self, callback: Callback, result: HostResult) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hostpool-callbacks", daemon=True)
                self._thread.start()
        self._calls.put((callback, result))

    def close(self) -> None:
        """Lets the callbacks that wait run, then ends the thread."""
        if self._thread is not None:
            self._calls.put(None)
            if not self.here():
                self._thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            callback, result = call
            try:
                callback(result)
            except Exception:
                import logging  # a bug: nothing else here logs, and it is 3 ms of each start

                logging.getLogger(__name__).exception("a callback for %s failed", result.host)
