"""From a submitted job to its one result: dispatch, settling, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from hostpool.alarms import Alarms
from hostpool.errors import HostpoolError, PoolClosedError
from hostpool.events import HostEvent, Warning
from hostpool.messages import Init, Job, Target
from hostpool.pool import verdicts
from hostpool.pool.callbacks import Callbacks
from hostpool.pool.crew import SLACK, Crew
from hostpool.pool.jobs import TaskHandle, Ticket
from hostpool.pool.result import AsyncResult, Callback
from hostpool.pool.scheduler import Choice, Scheduler
from hostpool.pool.subscription import Subscription
from hostpool.pool.workers import Worker
from hostpool.results import HostResult
from hostpool.settings import RETRIES, Settings
from hostpool.stop import StopReason
from hostpool.targets import Resolver
from hostpool.tasks.base import Task

CONNECT_SLACK = 90.0
"""Seconds beyond the connect time-out that a worker may wait for a throttling server."""


class Engine:
    """Behind one lock. Every ticket is settled exactly once (``claimed``), by whoever comes first:
    its worker's result, the worker's death, a deadline, a cancellation."""

    def __init__(self, resolver: Resolver, settings: Settings, scheduler: Scheduler, init: Init) -> None:
        self.lock = threading.RLock()
        self.results = threading.Condition(self.lock)
        self.alarms = Alarms()
        self.callbacks = Callbacks()
        self.closed = False
        self.ended = False
        self.outstanding = 0
        self.crew = Crew(self, init, self.alarms, self.lock)
        self._resolver = resolver
        self._settings = settings
        self._scheduler = scheduler
        self._work = threading.Condition(self.lock)
        self._jobs = 0
        self._tasks = 0
        self._last_task: TaskHandle | None = None
        self._in_hand: Ticket | None = None
        self._said: set[str] = set()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._wants_all_output = False
        self._dispatcher = threading.Thread(target=self._dispatch, name="hostpool-dispatch", daemon=True)
        self._dispatcher.start()

    # -- from the pool's API -----------------------------------------------------------------------

    def submit(
        self,
        host: str,
        task: Task,
        callback: Callback | None,
        error_callback: Callback | None,
        on_done: Callable[[HostResult], None] | None,
    ) -> AsyncResult:
        with self.lock:
            if self.closed:
                raise PoolClosedError("the pool is closed: it takes no more jobs")
            handle = self._handle(task)
            self._jobs += 1
            result = AsyncResult(host, self.results, self.callbacks.here)
            ticket = Ticket(self._jobs, handle, result, callback, error_callback, on_done)
            handle.jobs += 1
            self.outstanding += 1
            self._scheduler.add(ticket)
            self._work.notify()
            return result

    def subscribe(self, all_output: bool, wanted: Callable[[HostEvent], bool] | None) -> Subscription:
        with self.lock:
            subscription = Subscription(wanted)
            self._subscriptions = (*self._subscriptions, subscription)
            self._wants_all_output = self._wants_all_output or all_output
            if self.ended:
                subscription.close()
            return subscription

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self._maybe_quit()

    def cancel_waiting(self, reason: str) -> int:
        with self.lock:
            waiting = self._scheduler.drain()
            if self._in_hand is not None and not self._in_hand.claimed:
                waiting.append(self._in_hand)
            for ticket in waiting:
                self._settle_waiting(ticket, verdicts.not_run(ticket, reason))
            return len(waiting)

    def stop(self, grace: float, reason: StopReason) -> None:
        with self.lock:
            self.crew.stop(grace, reason)

    def abandon(self) -> None:
        with self.lock:
            self.closed = True
            self.ended = True
            self.crew.kill()
            self.cancel_waiting("the pool was ended")
            for worker in self.crew.workers:
                self._settle_all(worker, "was ended")
            self._work.notify_all()
            self._finish_if_empty()

    def wait_idle(self, timeout: float) -> None:
        with self.lock:
            self.results.wait_for(lambda: self.outstanding == 0, timeout)

    def wait_ended(self, timeout: float | None) -> bool:
        with self.lock:
            ended = self.results.wait_for(lambda: self.ended and not self.crew.workers, timeout)
        if ended:
            self.callbacks.close()
            self.alarms.close()
            self._dispatcher.join()
        return ended

    # -- dispatch ----------------------------------------------------------------------------------

    def _handle(self, task: Task) -> TaskHandle:
        """The task pickled, once for as long as the same object is submitted."""
        if self._last_task is None or self._last_task.task is not task:
            self._tasks += 1
            self._last_task = TaskHandle(self._tasks, task)
        return self._last_task

    def _dispatch(self) -> None:
        while True:
            with self.lock:
                while (ticket := self._take()) is None:
                    if self.ended:
                        return
                    self._work.wait()
                self._in_hand = ticket
            target = self._resolved(ticket.host)
            with self.lock:
                self._in_hand = None
                if not ticket.claimed:
                    self._assign(ticket, target)

    def _resolved(self, host: str) -> Target | HostpoolError:
        try:
            return self._resolver.resolve(host)
        except HostpoolError as error:
            return error
        except Exception as error:
            # A bug, but the dispatcher must live: with it the whole pool would hang.
            return HostpoolError(
                f"{type(error).__name__}: {error}",
                kind="internal",
                hint="this is a bug in hostpool; nothing was sent to the host",
            )

    def _take(self) -> Ticket | None:
        if self.ended:
            return None
        if not self._may_start() and not any(self._has_place(worker) for worker in self.crew.workers):
            return None
        return self._scheduler.next()

    def _has_place(self, worker: Worker) -> bool:
        return worker.usable and worker.load < self._scheduler.capacity

    def _may_start(self) -> bool:
        return self.crew.usable() < self._scheduler.max_workers

    def _assign(self, ticket: Ticket, target: Target | HostpoolError) -> None:
        if self.crew.broken is not None:
            target = self.crew.broken
        if isinstance(target, HostpoolError):
            self._settle_waiting(ticket, verdicts.unreachable(ticket, target))
            return
        gate = self._resolver.gate(target)
        if gate is not None:
            if self._scheduler.gates.shut(gate):
                self._settle_waiting(ticket, verdicts.refused_credential(ticket))
                return
            if not self._scheduler.gates.enter(ticket, gate):
                return
        place = self._scheduler.place(ticket, self.crew.workers, self._may_start())
        if place is Choice.START:
            place = self.crew.start()
        if isinstance(place, Worker):
            self._hand_over(ticket, target, place)
            return
        self._leave_gate(ticket, None)
        if place is Choice.NONE:
            self._scheduler.put_back(ticket)

    def _hand_over(self, ticket: Ticket, target: Target, worker: Worker) -> None:
        now = time.monotonic()
        if not worker.tickets:
            worker.touch()
        worker.tickets[ticket.job_id] = ticket
        ticket.worker = worker
        ticket.started = now
        ticket.expires = now + target.connect_timeout + CONNECT_SLACK
        self._scheduler.took(ticket, worker, self._settings.keep_sessions)
        worker.teach(ticket.handle)
        worker.post(self._job(ticket, target))
        self.crew.watch()

    def _job(self, ticket: Ticket, target: Target) -> Job:
        settings = self._settings
        return Job(
            job_id=ticket.job_id,
            task_id=ticket.handle.task_id,
            target=target,
            check=settings.check,
            keep=settings.keep_sessions,
            output="full" if self._wants_all_output else "last",
            task_timeout=self._limit(ticket),
            silence_timeout=settings.silence_timeout,
            retries=_retries(settings, target),
            on_lost=settings.on_lost,
            kill_grace=settings.kill_grace,
        )

    def _limit(self, ticket: Ticket) -> float | None:
        """The task's own time limit, else the one of the settings."""
        own: float | None = getattr(ticket.handle.task, "task_timeout", None)
        return self._settings.task_timeout if own is None else own

    # -- from the crew (see crew.Jobs) ---------------------------------------------------------------

    def busy(self) -> bool:
        return self.outstanding > 0 and not self.ended

    def event(self, event: HostEvent) -> None:
        if isinstance(event, Warning) and event.host is None and self._said_before(event.message):
            return
        self._publish(event, block=True)

    def _said_before(self, message: str) -> bool:
        """Each worker reads our own files, and each would name the same bad lines."""
        with self.lock:
            before = message in self._said
            self._said.add(message)
        return before

    def began(self, worker: Worker, ticket: Ticket) -> None:
        with self.lock:
            ticket.began = True
            limit = self._limit(ticket)
            if limit is None:
                ticket.expires = None
            else:
                ticket.expires = time.monotonic() + limit + self._settings.kill_grace + SLACK

    def done(self, worker: Worker, ticket: Ticket, result: HostResult) -> None:
        if ticket.reruns:
            result = msgspec.structs.replace(result, attempts=result.attempts + ticket.reruns)
        if self._claim(ticket):
            # Without the lock: a slow subscriber holds up this worker's reader, nobody else.
            self._publish(result, block=True)
            with self.lock:
                self._release(worker, ticket, result)

    def overdue(self, worker: Worker, tickets: list[Ticket]) -> None:
        self._scheduler.forget(worker)
        for ticket in tickets:
            self._settle_held(worker, ticket, _after_death(ticket, "did not end it in time"))
        if not worker.tickets:
            worker.link.kill()

    def worker_gone(self, worker: Worker) -> None:
        if self.crew.broken is not None:
            for ticket in self._scheduler.drain():
                self._settle_waiting(ticket, verdicts.unreachable(ticket, self.crew.broken))
        for ticket in list(worker.tickets.values()):
            if ticket.began or self.ended:
                self._settle_held(worker, ticket, _after_death(ticket, "died"))
            elif self.crew.broken is not None:
                self._settle_held(worker, ticket, verdicts.unreachable(ticket, self.crew.broken))
            elif ticket.reruns >= 1 and worker.ready:
                self._settle_held(worker, ticket, verdicts.dead_on_start(ticket))
            else:
                self._rerun(worker, ticket)
        self._scheduler.forget(worker)
        self._finish_if_empty()
        self._work.notify()

    def _rerun(self, worker: Worker, ticket: Ticket) -> None:
        """The worker died before anything was sent to this host: another one takes it."""
        if ticket.claimed:
            return
        del worker.tickets[ticket.job_id]
        ticket.reruns += 1 if worker.ready else 0
        ticket.worker = None
        self._leave_gate(ticket, None)
        self._scheduler.requeue(ticket)

    # -- results -------------------------------------------------------------------------------------

    def _publish(self, event: HostEvent, *, block: bool) -> None:
        for subscription in self._subscriptions:
            subscription.put(event, block=block)

    def _claim(self, ticket: Ticket) -> bool:
        with self.lock:
            if ticket.claimed:
                return False
            ticket.claimed = True
            return True

    def _settle_held(self, worker: Worker, ticket: Ticket, result: HostResult) -> None:
        if self._claim(ticket):
            self._publish(result, block=False)
            self._release(worker, ticket, result)

    def _settle_all(self, worker: Worker, what: str) -> None:
        for ticket in list(worker.tickets.values()):
            self._settle_held(worker, ticket, _after_death(ticket, what))

    def _settle_waiting(self, ticket: Ticket, result: HostResult) -> None:
        if self._claim(ticket):
            self._publish(result, block=False)
            self._scheduler.settled(ticket)
            self._complete(ticket, result)

    def _release(self, worker: Worker, ticket: Ticket, result: HostResult) -> None:
        worker.tickets.pop(ticket.job_id, None)
        self._scheduler.released(ticket, worker)
        self._leave_gate(ticket, _credential_verdict(result))
        if worker.retired and not worker.tickets:
            worker.link.kill()
        self._complete(ticket, result)

    def _leave_gate(self, ticket: Ticket, verdict: bool | None) -> None:
        self._scheduler.gate_opened(self._scheduler.gates.leave(ticket, verdict))

    def _complete(self, ticket: Ticket, result: HostResult) -> None:
        ticket.result._set(result)
        self.outstanding -= 1
        self._let_go(ticket.handle)
        callback = ticket.callback if result.ok else ticket.error_callback
        if callback is not None:
            self.callbacks.call(callback, result)
        if ticket.on_done is not None:
            ticket.on_done(result)
        self.results.notify_all()
        self._work.notify()
        self._maybe_quit()

    def _let_go(self, handle: TaskHandle) -> None:
        handle.jobs -= 1
        if handle.jobs == 0 and handle is not self._last_task:
            for worker in self.crew.workers:
                worker.unteach(handle.task_id)

    def _maybe_quit(self) -> None:
        if self.closed and self.outstanding == 0 and not self.ended:
            self.ended = True
            self.crew.quit()
            self._work.notify_all()
            self._finish_if_empty()

    def _finish_if_empty(self) -> None:
        if self.ended and not self.crew.workers:
            for subscription in self._subscriptions:
                subscription.close()
            self.results.notify_all()


def _retries(settings: Settings, target: Target) -> int:
    if settings.retries is not None:
        return settings.retries
    return max(RETRIES, target.connection_attempts - 1)


def _after_death(ticket: Ticket, what: str) -> HostResult:
    if ticket.began:
        return verdicts.worker_died(ticket, what)
    return verdicts.not_run(ticket, f"the worker process {what} before anything was sent")


def _credential_verdict(result: HostResult) -> bool | None:
    """Whether this result shows the password accepted (True), refused, or neither."""
    if result.error is not None and result.error.kind in ("auth_failed", "become_password"):
        return False
    return None if result.status in ("unreachable", "not_run") else True
