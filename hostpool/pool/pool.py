"""HostPool: a bounded pool of worker processes, hosts in the place of arguments."""

from __future__ import annotations

import os
import pickle
import queue
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hostpool.errors import PoolError, TimeoutError
from hostpool.events import HostEvent
from hostpool.messages import Init
from hostpool.pool.asking import Asker
from hostpool.pool.crew import SLACK
from hostpool.pool.early import start_forkserver
from hostpool.pool.engine import Engine
from hostpool.pool.link import MISSING_GUARD
from hostpool.pool.result import AsyncResult, Callback, refuse_in_callback
from hostpool.pool.scheduler import Scheduler
from hostpool.pool.startup import in_bootstrapping_child, narrowed, session_cap
from hostpool.pool.subscription import Subscription
from hostpool.results import HostResult
from hostpool.settings import FANOUT, Settings
from hostpool.stop import StopReason
from hostpool.targets import Resolver
from hostpool.tasks.base import Task

if TYPE_CHECKING:
    from hostpool.inventory import Inventory


class HostPool:
    """Runs tasks on hosts over a bounded number of worker processes. Thread-safe.

    ``inventory`` is an Inventory, a source (path, ``"h1,h2,"``) or several, or None: then hosts are
    SSH destinations as one gives them to ``ssh``. ``workers`` is the number of processes (default:
    CPU count), started on demand, reused to the end, ``min_workers`` of them at once; ``fanout``
    the number of hosts in flight over all of them. ``initializer(*initargs)`` runs once in each
    worker, after our own preparation; if it raises, every job ends unreachable and says so.

    Jobs of one host run one after another, in the order of submission; its session stays open
    between them (``settings.keep_sessions``). As with multiprocessing, a script that makes a pool
    does so under ``if __name__ == "__main__":``.
    """

    def __init__(
        self,
        inventory: Inventory | str | Sequence[str] | None,
        *,
        workers: int | None = None,
        min_workers: int = 0,
        fanout: int = FANOUT,
        settings: Settings | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Sequence[Any] = (),
    ) -> None:
        if in_bootstrapping_child():
            os._exit(MISSING_GUARD)
        # Here, not where workers start: it changes os.environ for a moment, which is the caller's
        # thread's right, not that of a thread of ours.
        start_forkserver()
        count = workers if workers is not None else (os.cpu_count() or 1)
        _check_bounds(count, min_workers, fanout, initializer)
        self.settings = settings if settings is not None else Settings()
        self._resolver = Resolver(inventory, self.settings)
        self._narrowed = narrowed(count, fanout)
        scheduler = Scheduler(count, fanout if self._narrowed is None else self._narrowed.fanout)
        init = Init(
            capacity=scheduler.capacity,
            session_cap=session_cap(),
            max_output=self.settings.max_output,
            initializer=None if initializer is None else _pickled(initializer, initargs),
        )
        self._engine = Engine(self._resolver, self.settings, scheduler, init)
        with self._engine.lock:
            for _ in range(min_workers):
                self._engine.crew.start()

    def apply(self, host: str, task: Task) -> HostResult:
        """Runs the task on the host and waits for its result."""
        self._refuse_in_callback()
        return self.apply_async(host, task).get()

    def apply_async(
        self,
        host: str,
        task: Task,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """Submits a job. ``callback`` gets the result if it is ok, changed or skipped,
        ``error_callback`` if not; both run on one thread of the pool. Raises PoolClosedError after
        close, InventoryError for an unknown host, PoolError for a task that cannot be pickled."""
        self._resolver.check(host)
        return self._engine.submit(host, task, callback, error_callback, None)

    def map(self, pattern: str, task: Task) -> list[HostResult]:
        """The results of every host that matches, in inventory order. Raises PatternError."""
        self._refuse_in_callback()
        pending = [self.apply_async(host, task) for host in self._resolver.select(pattern)]
        return [each.get() for each in pending]

    def imap_unordered(self, pattern: str, task: Task) -> Iterator[HostResult]:
        """The results of every host that matches, as they come. Raises PatternError."""
        self._refuse_in_callback()
        done: queue.SimpleQueue[HostResult] = queue.SimpleQueue()
        hosts = self._resolver.select(pattern)
        for host in hosts:
            self._engine.submit(host, task, None, None, done.put)
        return (done.get() for _ in hosts)

    def prepare(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """Looks up how every host is reached, before the first is touched. Raises all that is wrong
        (variables, ssh_config, templates) at once: a UsageError, or Problems. Returns what ssh_config
        asks for and is not done, and that fewer hosts than ``fanout`` are in flight for want of file
        descriptors, each once. To be called before jobs are submitted."""
        self._resolver.resolve_all(hosts)
        if self._narrowed is None or len(hosts) <= self._narrowed.fanout:
            return self._resolver.notes
        return (*self._resolver.notes, self._narrowed.note)

    def events(
        self, *, all_output: bool = True, wanted: Callable[[HostEvent], bool] | None = None
    ) -> Subscription:
        """Everything that happens from now on, as an iterator. A slow reader slows the workers;
        close it when you stop reading. Without ``all_output``, output comes as its newest line.
        ``wanted`` says which events come at all; threads of the pool ask it, and wait for it."""
        return self._engine.subscribe(all_output, wanted)

    @property
    def asker(self) -> Asker | None:
        """Who is asked for passphrases and one-time passwords; None: nobody, they then fail."""
        return self._engine.crew.asking.asker

    @asker.setter
    def asker(self, asker: Asker | None) -> None:
        self._engine.crew.asking.asker = asker

    def pids(self) -> list[int]:
        """The process ids of the workers that run now."""
        with self._engine.lock:
            pids = [worker.link.pid for worker in self._engine.crew.workers]
        return [pid for pid in pids if pid is not None]

    def close(self) -> None:
        """No more jobs; those submitted run to their end."""
        self._engine.close()

    def join(self, timeout: float | None = None) -> None:
        """Waits for the workers to end. Raises ValueError unless close or terminate came before,
        errors.TimeoutError when they have not ended within ``timeout`` seconds."""
        self._refuse_in_callback()
        if not self._engine.closed:
            raise ValueError("the pool is still running: close() or terminate() comes before join()")
        if not self._engine.wait_ended(timeout):
            raise TimeoutError(f"the pool has not ended after {timeout:g} s")

    def terminate(self, grace: float = 0.0) -> None:
        """Ends at once: what waits is not_run; what runs is stopped on its host (TERM, ``grace``
        seconds, KILL); what is not confirmed to be gone soon after that is lost."""
        with self._engine.lock:
            self._engine.closed = True
            self._engine.cancel_waiting("the pool was terminated")
            self._engine.stop(grace, "cancelled")
        self._engine.wait_idle(grace + SLACK)
        self._engine.abandon()

    def cancel_waiting(self, reason: str = "cancelled before it started") -> int:
        """Settles every job that has not started as not_run; returns how many."""
        return self._engine.cancel_waiting(reason)

    def stop(self, grace: float, reason: StopReason = "cancelled") -> None:
        """Stops what runs: TERM on the hosts, KILL after ``grace`` seconds. Returns at once; what
        is not confirmed soon after that is given up as lost."""
        self._engine.stop(grace, reason)

    def abandon(self) -> None:
        """Kills the workers now. Jobs that had begun are lost, the others not_run."""
        self._engine.abandon()

    def __enter__(self) -> HostPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.terminate()
        self.join()

    def _refuse_in_callback(self) -> None:
        refuse_in_callback(self._engine.callbacks.here)


def _check_bounds(workers: int, min_workers: int, fanout: int, initializer: object) -> None:
    if workers < 1:
        raise ValueError("workers must be at least 1")
    if not 0 <= min_workers <= workers:
        raise ValueError("min_workers must be between 0 and workers")
    if fanout < 1:
        raise ValueError("fanout must be at least 1")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")


def _pickled(initializer: Callable[..., object], initargs: Sequence[Any]) -> bytes:
    try:
        return pickle.dumps((initializer, tuple(initargs)))
    except Exception as error:
        raise PoolError(
            f"the initializer cannot be sent to a worker process: {error}",
            hint="define it at the top of a module; lambdas and nested functions do not pickle",
        ) from error
