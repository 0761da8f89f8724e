"""Which job goes where, as a pure state machine: no threads, no clock, no I/O.

The pool calls it under its lock. Invariants: at most ``fanout`` jobs hold a place, at most
``capacity`` on one worker, at most one per host, and (while a credential is unproven) at most one
per gate; a host's jobs run in the order of submission.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from hostpool.pool.gates import Gates
from hostpool.pool.jobs import Ticket


class Place(Protocol):
    """A worker as the scheduler sees it."""

    @property
    def load(self) -> int: ...

    @property
    def usable(self) -> bool:
        """It takes new jobs."""
        ...

    @property
    def suspect(self) -> bool:
        """It has not been heard of for a while: prefer others."""
        ...


class Choice(Enum):
    START = "start a worker"
    PARKED = "its session's worker is full: it waits there"
    NONE = "no place is free"


class Scheduler:
    def __init__(self, workers: int, fanout: int) -> None:
        self.max_workers = workers
        self.fanout = fanout
        self.capacity = -(-fanout // workers)
        self.gates = Gates()
        self.running = 0
        self.waiting = 0
        self._queue: deque[Ticket] = deque()
        self._behind: dict[str, deque[Ticket]] = {}
        self._parked: dict[int, deque[Ticket]] = {}
        self._homes: dict[str, Place] = {}

    def add(self, ticket: Ticket) -> None:
        """A new job: it waits behind earlier ones of its host."""
        self.waiting += 1
        behind = self._behind.get(ticket.host)
        if behind is None:
            self._behind[ticket.host] = deque()
            self._queue.append(ticket)
        else:
            behind.append(ticket)

    def next(self) -> Ticket | None:
        """The next job that could go if a place is free for it; it is the caller's from then on."""
        if self.running >= self.fanout or not self._queue:
            return None
        return self._queue.popleft()

    def put_back(self, ticket: Ticket) -> None:
        """The caller could not place it, or its worker died before it began: it is next again."""
        self._queue.appendleft(ticket)

    def place(self, ticket: Ticket, workers: Iterable[Place], may_start: bool) -> Place | Choice:
        """Where the job goes. A PARKED job is kept here until its worker has a place."""
        home = self._homes.get(ticket.host)
        if home is not None and home.usable:
            if home.load < self.capacity:
                return home
            self._parked.setdefault(id(home), deque()).append(ticket)
            return Choice.PARKED
        best: Place | None = None
        for worker in workers:
            if worker.usable and worker.load < self.capacity and _better(worker, best):
                best = worker
        if may_start and (best is None or best.load or best.suspect):
            return Choice.START
        return best if best is not None else Choice.NONE

    def took(self, ticket: Ticket, worker: Place, keep_session: bool) -> None:
        """The job holds a place of ``worker`` now."""
        self.waiting -= 1
        self.running += 1
        if keep_session:
            self._homes[ticket.host] = worker

    def released(self, ticket: Ticket, worker: Place) -> None:
        """A job that held a place is done: its host's next job and a parked one come forward."""
        self.running -= 1
        self._advance(ticket.host)
        self._unpark(worker, 1)

    def requeue(self, ticket: Ticket) -> None:
        """A job that held a place never began: it waits again, before all others."""
        self.running -= 1
        self.waiting += 1
        self._queue.appendleft(ticket)

    def settled(self, ticket: Ticket) -> None:
        """A job that never held a place is done all the same (refused by a gate, cancelled)."""
        self.waiting -= 1
        self._advance(ticket.host)

    def forget(self, worker: Place) -> None:
        """The worker is gone or takes nothing more: sessions on it are no reason to wait for it."""
        self._homes = {host: home for host, home in self._homes.items() if home is not worker}
        self._unpark(worker, None)

    def drain(self) -> list[Ticket]:
        """Takes out every job that waits, in order of submission as far as that is known."""
        tickets = list(self._queue)
        self._queue.clear()
        for parked in self._parked.values():
            tickets.extend(parked)
        self._parked.clear()
        tickets.extend(self.gates.drain())
        for host, behind in self._behind.items():
            tickets.extend(behind)
            self._behind[host] = deque()
        tickets.sort(key=lambda ticket: ticket.job_id)
        return tickets

    def gate_opened(self, tickets: Iterable[Ticket]) -> None:
        """Jobs that waited for a credential to be proven are next."""
        self._queue.extendleft(reversed(list(tickets)))

    def _advance(self, host: str) -> None:
        behind = self._behind.get(host)
        if behind:
            self._queue.append(behind.popleft())
        else:
            self._behind.pop(host, None)

    def _unpark(self, worker: Place, count: int | None) -> None:
        parked = self._parked.get(id(worker))
        if parked is None:
            return
        for _ in range(len(parked) if count is None else min(count, len(parked))):
            self._queue.appendleft(parked.popleft())
        if not parked:
            del self._parked[id(worker)]


def _better(worker: Place, best: Place | None) -> bool:
    return best is None or (worker.suspect, worker.load) < (best.suspect, best.load)
