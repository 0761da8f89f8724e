"""The worker processes of a pool: started, listened to, given up, replaced, ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from hostpool.alarms import Alarms
from hostpool.errors import PoolBrokenError
from hostpool.events import HostEvent
from hostpool.messages import (
    Alive,
    Answer,
    Began,
    Cancel,
    Done,
    Init,
    JobEvent,
    NewHostKey,
    Question,
    Quit,
    Ready,
    Up,
)
from hostpool.pool.asking import Asking
from hostpool.pool.hostkeys import HostKeyWriter
from hostpool.pool.jobs import Ticket
from hostpool.pool.link import link_to_worker
from hostpool.pool.startup import death_reason
from hostpool.pool.workers import HUNG_AFTER, Worker
from hostpool.results import HostResult
from hostpool.secrets import Secret
from hostpool.stop import StopReason

WORKER_ENTRY = "hostpool.worker:serve"
STILLBIRTHS = 3
SLACK = 5.0
"""Seconds past its deadline after which a worker that does not answer is given up."""


class Jobs(Protocol):
    """What the crew tells about jobs; ``worker_gone`` and ``overdue`` under the pool's lock."""

    def event(self, event: HostEvent) -> None: ...

    def began(self, worker: Worker, ticket: Ticket) -> None: ...

    def done(self, worker: Worker, ticket: Ticket, result: HostResult) -> None: ...

    def overdue(self, worker: Worker, tickets: list[Ticket]) -> None: ...

    def worker_gone(self, worker: Worker) -> None: ...

    def busy(self) -> bool: ...


class Crew:
    """``workers`` belongs to the pool's lock, as do all methods without a word to the contrary."""

    def __init__(self, jobs: Jobs, init: Init, alarms: Alarms, lock: threading.RLock) -> None:
        self.workers: list[Worker] = []
        self.broken: PoolBrokenError | None = None
        self.asking = Asking()
        self._jobs = jobs
        self._init = init
        self._alarms = alarms
        self._lock = lock
        self._host_keys = HostKeyWriter()
        self._numbers = 0
        self._stillbirths = 0
        self._watching = False

    def start(self) -> Worker:
        """A new worker. Returns at once: its process starts on its own writer's thread."""
        self._numbers += 1
        link = link_to_worker(WORKER_ENTRY, f"hostpool-worker-{self._numbers}")
        worker = Worker(self._numbers, link, self._init, self)
        self.workers.append(worker)
        return worker

    def usable(self) -> int:
        return sum(1 for worker in self.workers if worker.usable)

    def stop(self, grace: float, reason: StopReason) -> None:
        """Asks for the end of every job that is held."""
        limit = time.monotonic() + grace + SLACK
        for worker in self.workers:
            for ticket in worker.tickets.values():
                worker.post(Cancel(job_id=ticket.job_id, reason=reason, grace=grace))
                ticket.expires = min(ticket.expires or limit, limit)

    def quit(self) -> None:
        """No job is left: workers close their sessions and end, or are killed soon."""
        for worker in self.workers:
            worker.quitting = True
            worker.post(Quit())
            self._alarms.after(SLACK, worker.link.kill)

    def kill(self) -> None:
        for worker in self.workers:
            worker.quitting = True
            worker.link.kill()

    def watch(self) -> None:
        """Looks once a second, while there are jobs, for workers that are stuck."""
        if not self._watching:
            self._watching = True
            self._alarms.after(1.0, self._look)

    def _look(self) -> None:
        with self._lock:
            for worker in list(self.workers):
                if worker.silent_for > HUNG_AFTER:
                    worker.link.kill()
                elif worker.held_up:
                    _postpone(worker, 1.0)
                else:
                    self._give_up_overdue(worker)
            if self._jobs.busy():
                self._alarms.after(1.0, self._look)
            else:
                self._watching = False

    def _give_up_overdue(self, worker: Worker) -> None:
        late = time.monotonic() - SLACK
        overdue = [t for t in worker.tickets.values() if t.expires is not None and t.expires < late]
        if overdue:
            worker.retired = True
            self._jobs.overdue(worker, overdue)

    # -- called by the workers' reader threads, without the lock ---------------------------------

    def heard(self, worker: Worker, message: Up) -> None:
        if isinstance(message, JobEvent):
            if message.job_id in worker.tickets:
                self._jobs.event(message.event)
        elif isinstance(message, Done | Began):
            ticket = worker.tickets.get(message.job_id)
            if ticket is None:
                return
            if isinstance(message, Done):
                self._jobs.done(worker, ticket, message.result)
            else:
                self._jobs.began(worker, ticket)
        elif isinstance(message, Ready):
            with self._lock:
                worker.ready = True
                worker.preloaded = message.preloaded
                self._stillbirths = 0
        elif isinstance(message, Question):
            self._question(worker, message)
        elif isinstance(message, NewHostKey):
            warning = self._host_keys.write(message)
            if warning is not None:
                self._jobs.event(warning)
        else:
            assert isinstance(message, Alive)

    def gone(self, worker: Worker) -> None:
        """The worker's link broke: the process is dead, whatever anybody else says."""
        status = None if worker.quitting else worker.link.exit_status(1.0)
        with self._lock:
            if worker not in self.workers:
                return
            self.workers.remove(worker)
            worker.retired = True
            if not worker.ready and not worker.quitting:
                self._stillbirths += 1
                if self._stillbirths >= STILLBIRTHS and self.broken is None:
                    self.broken = death_reason(status)
            self._jobs.worker_gone(worker)

    def _question(self, worker: Worker, question: Question) -> None:
        with self._lock:
            for ticket in worker.tickets.values():
                if ticket.host == question.host:
                    ticket.expires = None  # the person who is asked may take their time
        self.asking.ask(question, _answers(worker, question.question_id))


def _answers(worker: Worker, question_id: int) -> Callable[[Secret | None], None]:
    def answer(value: Secret | None) -> None:
        worker.post(Answer(question_id=question_id, value=value))

    return answer


def _postpone(worker: Worker, seconds: float) -> None:
    """Our own reader is held up by a slow subscriber: that is nobody's deadline."""
    for ticket in worker.tickets.values():
        if ticket.expires is not None:
            ticket.expires += seconds
