"""What the pool remembers of a job and of a task."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from hostpool.errors import PoolError
from hostpool.pool.result import AsyncResult, Callback
from hostpool.results import HostResult
from hostpool.tasks.base import Task


class TaskHandle:
    """A task, pickled once. ``jobs`` counts the jobs that still need it."""

    __slots__ = ("data", "jobs", "task", "task_id")

    def __init__(self, task_id: int, task: Task) -> None:
        self.task_id = task_id
        self.task = task
        self.jobs = 0
        try:
            self.data = pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            raise PoolError(
                f"the task cannot be sent to a worker process: {error}",
                hint="a task is pickled: define its class at the top of a module, and keep open files, "
                "locks and lambdas out of it",
            ) from error


class Ticket:
    """One job from submission to result.

    ``claimed`` turns true when its result is settled (a second word about it is ignored); ``began``
    when the worker said that the host is being acted upon; ``expires`` (monotonic seconds) is when
    a worker that has not finished it by then is given up.
    """

    __slots__ = (
        "began", "callback", "claimed", "error_callback", "expires", "gate", "handle", "host",
        "job_id", "on_done", "reruns", "result", "started", "worker",
    )  # fmt: skip

    def __init__(
        self,
        job_id: int,
        handle: TaskHandle,
        result: AsyncResult,
        callback: Callback | None,
        error_callback: Callback | None,
        on_done: Callable[[HostResult], None] | None,
    ) -> None:
        self.job_id = job_id
        self.host = result.host
        self.handle = handle
        self.result = result
        self.callback = callback
        self.error_callback = error_callback
        self.on_done = on_done
        self.worker: Any = None
        self.gate: str | None = None
        self.began = False
        self.claimed = False
        self.reruns = 0
        self.started: float | None = None
        self.expires: float | None = None
