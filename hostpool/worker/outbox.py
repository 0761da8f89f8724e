"""Everything that goes up: one sender thread, a bounded queue, what waits goes as one frame."""

from __future__ import annotations

import threading
import time
from collections import deque

from hostpool.messages import Alive, Up, encode_one, frame
from hostpool.pool.frames import Connection

LIMIT = 1024 * 1024
"""Bytes that may wait before those who produce more must wait too."""
ALIVE_EVERY = 3.0


class Outbox:
    """``put`` blocks while the parent does not read. When the parent is gone, what is put is dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._put_count = 0
        self._sent_count = 0
        self._broken = False
        self._closing = False
        self._alive = encode_one(Alive())
        self._thread = threading.Thread(target=self._send, name="hostpool-outbox", daemon=True)
        self._thread.start()

    def put(self, message: Up) -> float:
        """Queues a message; returns the seconds it had to wait for room."""
        data = encode_one(message)
        waited = 0.0
        with self._changed:
            if self._size > LIMIT and not self._broken:
                began = time.monotonic()
                while self._size > LIMIT and not self._broken:
                    self._changed.wait()
                waited = time.monotonic() - began
            self._append(data)
        return waited

    def offer(self, message: Up) -> None:
        """Queues a message if there is room, else drops it. Never blocks."""
        data = encode_one(message)
        with self._changed:
            if self._size <= LIMIT:
                self._append(data)

    def flush(self) -> None:
        """Waits until all that was put has been written to the pipe (a kill cannot lose it then)."""
        with self._changed:
            goal = self._put_count
            while self._sent_count < goal and not self._broken:
                self._changed.wait()

    def close(self, timeout: float = 5.0) -> None:
        """Sends what waits and ends the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _append(self, data: bytes) -> None:
        if not self._broken:
            self._waiting.append(data)
            self._size += len(data)
            self._put_count += 1
            self._changed.notify_all()

    def _send(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    if not self._changed.wait(ALIVE_EVERY):
                        self._waiting.append(self._alive)
                        self._put_count += 1
                if not self._waiting:
                    return
                batch = list(self._waiting)
                self._waiting.clear()
            try:
                self._connection.send_bytes(frame(batch))
            except (OSError, ValueError):
                batch = []
            with self._changed:
                if batch:
                    self._sent_count += len(batch)
                    self._size -= sum(len(data) for data in batch if data is not self._alive)
                else:
                    self._broken = True
                    self._waiting.clear()
                self._changed.notify_all()
                if self._broken:
                    return
