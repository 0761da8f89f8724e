"""A job's way up: its events, with its clock stopped while the parent does not take them."""

from __future__ import annotations

from hostpool.alarms import Alarms
from hostpool.events import HostEvent
from hostpool.messages import Began, JobEvent
from hostpool.worker.clock import TaskClock
from hostpool.worker.outbox import Outbox


class Reporter:
    def __init__(self, job_id: int, outbox: Outbox, alarms: Alarms, clock: TaskClock) -> None:
        self._job_id = job_id
        self._outbox = outbox
        self._began = False
        self.alarms = alarms
        self.clock = clock

    def event(self, event: HostEvent) -> None:
        """Goes up, whatever it takes: may block while the parent is held up."""
        self.clock.stall()
        try:
            self._outbox.put(JobEvent(job_id=self._job_id, event=event))
        finally:
            self.clock.resume()

    def optional(self, event: HostEvent) -> None:
        """Goes up if there is room: for news that the next news replaces. Never blocks."""
        self._outbox.offer(JobEvent(job_id=self._job_id, event=event))

    def began(self) -> None:
        """Called before the first request goes to the host; returns when the parent can know."""
        if not self._began:
            self._began = True
            self._outbox.put(Began(job_id=self._job_id))
            self._outbox.flush()
