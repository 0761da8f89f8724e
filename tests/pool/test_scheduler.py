"""The pure scheduler, driven at random: its bounds hold and no job is lost."""

from __future__ import annotations

import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.pool.jobs import TaskHandle, Ticket
from hostpool.pool.result import AsyncResult
from hostpool.pool.scheduler import Choice, Scheduler
from hostpool.tasks import Ping

HANDLE = TaskHandle(1, Ping())


class FakeWorker:
    """The scheduler's Place: jobs it holds, whether it takes more."""

    def __init__(self) -> None:
        self.held: list[Ticket] = []
        self.usable = True
        self.suspect = False

    @property
    def load(self) -> int:
        return len(self.held)


def ticket(number: int, host: str) -> Ticket:
    result = AsyncResult(host, threading.Condition(), lambda: False)
    return Ticket(number, HANDLE, result, None, None, None)


class Harness:
    """Plays the pool: dispatches, completes, kills workers, cancels."""

    def __init__(self, workers: int, fanout: int, seed: int, gated: bool) -> None:
        self.scheduler = Scheduler(workers, fanout)
        self.workers: list[FakeWorker] = []
        self.random = random.Random(seed)
        self.gated = gated
        self.done: list[int] = []
        self.running_hosts: list[str] = []
        self.started_order: dict[str, list[int]] = {}

    def dispatch(self) -> None:
        scheduler = self.scheduler
        while True:
            usable = [worker for worker in self.workers if worker.usable]
            may_start = len(usable) < scheduler.max_workers
            if not may_start and all(worker.load >= scheduler.capacity for worker in usable):
                return
            job = scheduler.next()
            if job is None:
                return
            if self.gated:
                if scheduler.gates.shut("g"):
                    scheduler.settled(job)
                    self.done.append(job.job_id)
                    continue
                if not scheduler.gates.enter(job, "g"):
                    continue
            place = scheduler.place(job, self.workers, may_start)
            if place is Choice.START:
                place = FakeWorker()
                self.workers.append(place)
            if isinstance(place, FakeWorker):
                place.held.append(job)
                scheduler.took(job, place, keep_session=self.random.random() < 0.7)
                self.running_hosts.append(job.host)
                self.started_order.setdefault(job.host, []).append(job.job_id)
            else:
                scheduler.gate_opened(scheduler.gates.leave(job, None))
                if place is Choice.NONE:
                    scheduler.put_back(job)
                    return

    def complete_one(self) -> None:
        busy = [worker for worker in self.workers if worker.held]
        if not busy:
            return
        worker = self.random.choice(busy)
        job = worker.held.pop(self.random.randrange(len(worker.held)))
        self.running_hosts.remove(job.host)
        self.scheduler.released(job, worker)
        verdict = self.random.choice([True, False, None])
        self.scheduler.gate_opened(self.scheduler.gates.leave(job, verdict))
        self.done.append(job.job_id)

    def kill_one(self) -> None:
        if not self.workers:
            return
        worker = self.random.choice(self.workers)
        self.workers.remove(worker)
        worker.usable = False
        for job in worker.held:
            self.running_hosts.remove(job.host)
            self.scheduler.gate_opened(self.scheduler.gates.leave(job, None))
            if self.random.random() < 0.5:
                self.scheduler.requeue(job)
                self.started_order[job.host].remove(job.job_id)
            else:
                self.scheduler.released(job, worker)
                self.done.append(job.job_id)
        self.scheduler.forget(worker)

    def check(self) -> None:
        assert self.scheduler.running == len(self.running_hosts) <= self.scheduler.fanout
        assert len(set(self.running_hosts)) == len(self.running_hosts), "two jobs on one host at once"
        assert len([w for w in self.workers if w.usable]) <= self.scheduler.max_workers
        assert all(worker.load <= self.scheduler.capacity for worker in self.workers)


@settings(max_examples=300, deadline=None)
@given(
    workers=st.integers(1, 4),
    fanout=st.integers(1, 9),
    hosts=st.lists(st.sampled_from("abcdefgh"), max_size=30),
    actions=st.lists(st.sampled_from(["complete", "kill", "cancel"]), max_size=12),
    seed=st.integers(0, 1 << 16),
    gated=st.booleans(),
)
def test_bounds_hold_and_every_job_is_settled_once(
    workers: int, fanout: int, hosts: list[str], actions: list[str], seed: int, gated: bool
) -> None:
    pool = Harness(workers, fanout, seed, gated)
    for number, host in enumerate(hosts):
        pool.scheduler.add(ticket(number, host))
    for action in actions:
        pool.dispatch()
        pool.check()
        if action == "complete":
            pool.complete_one()
        elif action == "kill":
            pool.kill_one()
        else:
            for job in pool.scheduler.drain():
                pool.scheduler.settled(job)
                pool.done.append(job.job_id)
    for _ in range(len(hosts) * 3 + 3):
        pool.dispatch()
        pool.check()
        pool.complete_one()
    assert sorted(pool.done) == list(range(len(hosts)))
    assert pool.scheduler.waiting == pool.scheduler.running == 0
    for order in pool.started_order.values():
        assert order == sorted(order), "a host's jobs ran out of order"


def test_a_password_is_tried_once_before_it_is_tried_everywhere() -> None:
    pool = Harness(2, 8, 0, gated=True)
    for number in range(6):
        pool.scheduler.add(ticket(number, f"h{number}"))
    pool.dispatch()
    assert len(pool.running_hosts) == 1
    worker = pool.workers[0]
    job = worker.held.pop()
    pool.running_hosts.remove(job.host)
    pool.scheduler.released(job, worker)
    pool.scheduler.gate_opened(pool.scheduler.gates.leave(job, True))
    pool.dispatch()
    assert len(pool.running_hosts) == 5


def test_three_refusals_and_no_host_is_tried_any_more() -> None:
    pool = Harness(2, 8, 0, gated=True)
    for number in range(20):
        pool.scheduler.add(ticket(number, f"h{number}"))
    tried = 0
    while True:
        pool.dispatch()
        if not pool.running_hosts:
            break
        assert len(pool.running_hosts) == 1
        tried += 1
        worker = next(worker for worker in pool.workers if worker.held)
        job = worker.held.pop()
        pool.running_hosts.remove(job.host)
        pool.scheduler.released(job, worker)
        pool.scheduler.gate_opened(pool.scheduler.gates.leave(job, False))
    assert tried == 3 and len(pool.done) == 17


def test_a_host_goes_where_its_session_is_and_waits_there() -> None:
    scheduler = Scheduler(workers=2, fanout=2)
    home, other = FakeWorker(), FakeWorker()
    first = ticket(1, "a")
    scheduler.add(first)
    assert scheduler.next() is first
    home.held.append(first)
    scheduler.took(first, home, keep_session=True)
    home.held.remove(first)
    scheduler.released(first, home)
    guest, second = ticket(2, "b"), ticket(3, "a")
    scheduler.add(guest)
    scheduler.next()
    home.held.append(guest)
    scheduler.took(guest, home, keep_session=False)
    scheduler.add(second)
    assert scheduler.next() is second
    assert scheduler.place(second, [home, other], may_start=True) is Choice.PARKED
    assert scheduler.next() is None
    home.held.remove(guest)
    scheduler.released(guest, home)
    assert scheduler.next() is second
    assert scheduler.place(second, [home, other], may_start=True) is home
