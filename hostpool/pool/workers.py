"""A worker as the parent sees it: its link, its two threads, the jobs it holds."""

from __future__ import annotations

import queue
import threading
import time
from typing import Protocol

from hostpool.messages import Down, Init, TaskDef, TaskDrop, Up, decode_up, encode
from hostpool.pool.jobs import TaskHandle, Ticket
from hostpool.pool.link import Link

SUSPECT_AFTER = 8.0
"""Seconds without a word (workers speak at least every few seconds while they have jobs)."""
HUNG_AFTER = 45.0
"""Seconds without a word after which a worker with jobs is killed and replaced."""


class Owner(Protocol):
    def heard(self, worker: Worker, message: Up) -> None: ...

    def gone(self, worker: Worker) -> None: ...


class Worker:
    """``post`` never blocks: a writer thread of its own starts the process and sends, so that a
    stopped worker holds up nobody. A reader thread only receives.

    ``tickets`` (by job id), ``retired`` and ``known`` belong to the pool's lock.
    """

    def __init__(self, number: int, link: Link, init: Init, owner: Owner) -> None:
        self.number = number
        self.link = link
        self.tickets: dict[int, Ticket] = {}
        self.ready = False
        self.retired = False
        self.preloaded = False
        self.quitting = False
        self._known: set[int] = set()
        self._owner = owner
        self._outgoing: queue.SimpleQueue[Down | None] = queue.SimpleQueue()
        self._heard_at = time.monotonic()
        self._delivering = False
        self._outgoing.put(init)
        self._writer = threading.Thread(target=self._write, name=f"hostpool-to-{number}", daemon=True)
        self._reader = threading.Thread(target=self._read, name=f"hostpool-from-{number}", daemon=True)
        self._writer.start()

    @property
    def load(self) -> int:
        return len(self.tickets)

    @property
    def usable(self) -> bool:
        return not self.retired

    @property
    def silent_for(self) -> float:
        """Seconds since it was last heard, not counting the time our own reader was held up."""
        if self._delivering or not self.tickets:
            return 0.0
        return time.monotonic() - self._heard_at

    @property
    def held_up(self) -> bool:
        """Whether our own reader is being held up by a slow subscriber."""
        return self._delivering

    @property
    def suspect(self) -> bool:
        return self.silent_for > SUSPECT_AFTER

    def post(self, message: Down) -> None:
        self._outgoing.put(message)

    def teach(self, handle: TaskHandle) -> None:
        """Sends the task unless this worker knows it."""
        if handle.task_id not in self._known:
            self._known.add(handle.task_id)
            self.post(TaskDef(task_id=handle.task_id, data=handle.data))

    def unteach(self, task_id: int) -> None:
        if task_id in self._known:
            self._known.discard(task_id)
            self.post(TaskDrop(task_id=task_id))

    def touch(self) -> None:
        """The clock of its silence starts now (it had nothing to say before)."""
        self._heard_at = time.monotonic()

    def join(self, timeout: float) -> bool:
        """Waits for its threads to end; whether they did."""
        until = time.monotonic() + timeout
        for thread in (self._writer, self._reader):
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        return not (self._writer.is_alive() or self._reader.is_alive())

    def _write(self) -> None:
        try:
            self.link.start()
        except Exception:
            self._owner.gone(self)
            return
        self._reader.start()
        while True:
            batch = [self._outgoing.get()]
            try:
                while True:
                    batch.append(self._outgoing.get_nowait())
            except queue.Empty:
                pass
            ended = None in batch
            try:
                self.link.send(encode([message for message in batch if message is not None]))
            except (OSError, EOFError):
                return
            if ended:
                return

    def _read(self) -> None:
        try:
            while True:
                frame = self.link.recv()
                self._heard_at = time.monotonic()
                self._delivering = True
                for message in decode_up(frame):
                    self._owner.heard(self, message)
                self._delivering = False
                self._heard_at = time.monotonic()
        except EOFError:
            pass
        finally:
            quitting = self.quitting  # once: it may be told to quit just now
            if quitting:
                self.link.part()
            else:
                self.link.kill()
            self._outgoing.put(None)
            self._owner.gone(self)
            if not quitting:
                self.link.close()
