"""The use case: hosts and a task in, events to the sinks, one report out. Every host exactly once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from hostpool.batches import Limit, failures, split
from hostpool.errors import ErrorInfo
from hostpool.events import Event, HostEvent, RunFinished, RunStarted
from hostpool.exit_codes import exit_code
from hostpool.pool import HostPool
from hostpool.results import HostResult, Status, counts_of
from hostpool.tasks.base import Task

_TICK = 0.2
TaskFor = Callable[[str], Task]


class Sink(Protocol):
    """A consumer of events: a view, the history. ``handle`` gets each event in order, from one
    thread; ``close`` comes last, always. A sink that raises is dropped; the run goes on."""

    def handle(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Sinks:
    """The sinks of one run. ``broken`` are the errors of those that were dropped."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self.broken: list[Exception] = []

    def tell(self, event: Event) -> None:
        for sink in list(self._sinks):
            try:
                sink.handle(event)
            except Exception as error:
                # Whoever no longer listens (`| head`) must not stop what runs on a hundred hosts.
                self.broken.append(error)
                self._sinks.remove(sink)
                self._close(sink)

    def close(self) -> None:
        for sink in self._sinks:
            self._close(sink)
        self._sinks.clear()

    def _close(self, sink: Sink) -> None:
        try:
            sink.close()
        except Exception as error:
            self.broken.append(error)


class Plan(msgspec.Struct, frozen=True):
    """In which order and how far. ``batches`` are sizes ("1", "10%"), the last one repeats;
    ``max_fail``: stop when more hosts than that are failed, timeout, unreachable or lost (within a
    first batch None means 0); ``pause`` between batches and ``deadline`` of the run in seconds."""

    max_fail: Limit | None = None
    batches: tuple[str, ...] = ()
    pause: float = 0.0
    deadline: float | None = None
    kill_grace: float = 5.0
    changed_exit_code: bool = False


class RunReport(msgspec.Struct, frozen=True):
    """``results`` holds every selected host, in inventory order. ``broken_sinks`` are the errors of
    sinks that were dropped (a closed pipe, a full disk)."""

    run: str
    results: dict[str, HostResult]
    counts: dict[Status, int]
    duration: float
    exit_code: int
    stopped_early: bool = False
    interrupted: str | None = None
    broken_sinks: tuple[Exception, ...] = ()


class _State(msgspec.Struct):
    results: dict[str, HostResult] = msgspec.field(default_factory=dict)
    failures: int = 0
    stopped_early: bool = False
    interrupted: str | None = None
    stopping: bool = False


class Runner:
    """One run. ``run`` blocks in the caller's thread; the ``stop_…`` methods may be called from any
    other thread (not from a signal handler: they take locks)."""

    def __init__(
        self,
        pool: HostPool,
        sinks: Sequence[Sink],
        *,
        plan: Plan | None = None,
        all_output: bool = False,
        argv: Sequence[str] = (),
        run_id: str | None = None,
    ) -> None:
        self.run_id = os.urandom(3).hex() if run_id is None else run_id
        self._pool = pool
        self._plan = plan if plan is not None else Plan()
        self._events = pool.events(all_output=all_output)
        self._sinks = Sinks(sinks)
        self._argv = tuple(argv)
        self._state = _State()
        self._pending: set[str] = set()
        self._ends: float | None = None
        self._total = 0

    def run(self, hosts: Sequence[str], task: Task | TaskFor, name: str | None = None) -> RunReport:
        """Runs the task (or each host's own) on the hosts; closes the sinks. Raises nothing for what
        befalls hosts. ``name`` is what the run is called where ``task`` is a function."""
        began = time.monotonic()
        if self._plan.deadline is not None:
            self._ends = began + self._plan.deadline
        task_for, title = _task_for(task, name)
        self._sinks.tell(
            RunStarted(ts=time.time(), run=self.run_id, hosts=tuple(hosts), task=title, argv=self._argv)
        )
        self._total = len(hosts)
        try:
            self._run_batches(hosts, task_for)
            report = self._report(hosts, time.monotonic() - began)
            self._sinks.tell(
                RunFinished(
                    ts=time.time(),
                    run=report.run,
                    counts=report.counts,
                    duration=report.duration,
                    exit_code=report.exit_code,
                    interrupted=report.interrupted,
                )
            )
        finally:
            self._events.close()
            self._sinks.close()
        return report

    def stop_gently(self, why: str = "SIGINT") -> int:
        """Starts no more; what runs goes on to its end. Returns how many hosts still run."""
        self._state.interrupted = self._state.interrupted or why
        self._state.stopping = True
        self._pool.cancel_waiting(f"stopped by {why} before it started")
        return len(self._pending)

    def stop_hard(self, why: str = "SIGINT") -> None:
        """TERM on the hosts, KILL after the grace; every host is still reported."""
        self.stop_gently(why)
        self._pool.stop(self._plan.kill_grace, "cancelled")

    def leave(self, why: str = "SIGINT") -> None:
        """Ends the workers now: what ran is lost."""
        self.stop_gently(why)
        self._pool.abandon()

    # -- batches and their end -----------------------------------------------------------------------

    def _run_batches(self, hosts: Sequence[str], task_for: TaskFor) -> None:
        for number, batch in enumerate(split(hosts, self._plan.batches)):
            if number and not self._between_batches():
                return
            self._pending = set(batch)
            for host in batch:
                self._pool.apply_async(host, task_for(host))
            if self._state.stopping:
                # The stop came while we were submitting.
                self._pool.cancel_waiting("stopped before it started")
            while self._pending:
                self._take(first_batch=number == 0 and bool(self._plan.batches))

    def _between_batches(self) -> bool:
        """Pauses; whether the next batch may start."""
        until = time.monotonic() + self._plan.pause
        while not self._state.stopping and time.monotonic() < until and not self._past_deadline():
            self._take_events(min(_TICK, max(0.0, until - time.monotonic())))
        self._enforce_deadline()
        return not self._state.stopping

    def _take(self, first_batch: bool) -> None:
        self._take_events(_TICK)
        limit = self._plan.max_fail
        if limit is None and first_batch:
            limit = Limit(0)
        too_many = limit is not None and limit.exceeded(self._state.failures, self._total)
        if too_many and not self._state.stopping:
            self._state.stopped_early = True
            self._state.stopping = True
            self._pool.cancel_waiting(
                f"not started: {self._state.failures} hosts failed, more than --max-fail allows"
            )
        self._enforce_deadline()

    def _past_deadline(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    def _enforce_deadline(self) -> None:
        if self._past_deadline():
            self._ends = None
            self._state.stopped_early = True
            self._state.stopping = True
            self._pool.cancel_waiting("the run's deadline came before it started")
            self._pool.stop(self._plan.kill_grace, "deadline")

    # -- events ----------------------------------------------------------------------------------------

    def _take_events(self, timeout: float) -> None:
        for event in self._events.take(timeout):
            self._handle(event)
        if self._events.closed and self._pending:
            self._settle_the_rest()

    def _handle(self, event: HostEvent) -> None:
        if isinstance(event, HostResult):
            if event.host in self._state.results:
                return
            self._state.results[event.host] = event
            self._state.failures += failures(event)
            self._pending.discard(event.host)
        self._sinks.tell(event)

    def _settle_the_rest(self) -> None:
        """The pool is gone (left at once): whoever has no result yet gets one from us."""
        for event in self._events.take(0.0):
            self._handle(event)
        for host in sorted(self._pending):
            self._handle(_missing(host, "lost", "the run was left while this host's task ran"))

    def _report(self, hosts: Sequence[str], duration: float) -> RunReport:
        state = self._state
        for host in hosts:
            if host not in state.results:
                self._handle(_missing(host, "not_run", "the run ended before this host's turn"))
        results = {host: state.results[host] for host in hosts}
        counts = counts_of(list(results.values()))
        code = exit_code(
            counts,
            interrupted=state.interrupted,
            stopped_early=state.stopped_early,
            changed_exit_code=self._plan.changed_exit_code,
        )
        return RunReport(
            run=self.run_id,
            results=results,
            counts=counts,
            duration=duration,
            exit_code=code,
            stopped_early=state.stopped_early,
            interrupted=state.interrupted,
            broken_sinks=tuple(self._sinks.broken),
        )


def _task_for(task: Task | TaskFor, name: str | None) -> tuple[TaskFor, str]:
    if isinstance(task, Task):
        return (lambda host: task), name if name is not None else task.name
    return task, name if name is not None else "task"


def _missing(host: str, status: Literal["lost", "not_run"], why: str) -> HostResult:
    return HostResult(
        ts=time.time(),
        host=host,
        status=status,
        error=ErrorInfo(
            status, why, "look at the host before running it again" if status == "lost" else None
        ),
    )
