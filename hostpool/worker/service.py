"""The worker's main loop: it only receives; everything else happens on other threads."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from hostpool.alarms import Alarms
from hostpool.errors import ErrorInfo
from hostpool.messages import (
    Answer,
    Cancel,
    Done,
    Down,
    Init,
    Job,
    Quit,
    Ready,
    Target,
    TaskDef,
    TaskDrop,
    decode_down,
)
from hostpool.pool.early import PRELOAD, SAFE_PATH, SAFE_PATH_IS_OURS
from hostpool.pool.frames import Connection
from hostpool.stop import Stop, StopReason
from hostpool.tasks.base import Task
from hostpool.tasks.host_keys import Sighting
from hostpool.tasks.session import Session
from hostpool.worker.clock import TaskClock
from hostpool.worker.driver import Driver, refused
from hostpool.worker.handshakes import Handshakes
from hostpool.worker.outbox import Outbox
from hostpool.worker.questions import Questions
from hostpool.worker.reporter import Reporter
from hostpool.worker.sessions import Sessions
from hostpool.worker.threads import Threads

if TYPE_CHECKING:
    from hostpool.ssh import SSHContext
    from hostpool.worker.transfers import Transfers

_TURN = 0.05
"""Seconds after which a thread that waits for the interpreter asks for it. Most threads give it back after a
fraction of a millisecond, to wait for the network; asked at Python's 5 ms, while fifty hosts log in, they
were made to do so in the middle of their work, and had to be woken again."""


class Service:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outbox = Outbox(connection)
        self._alarms = Alarms()
        self._threads = Threads()
        self._questions = Questions(self._outbox)
        self._tasks: dict[int, Task | ErrorInfo] = {}
        self._task_data: dict[int, bytes] = {}
        self._jobs: dict[int, tuple[Job, Stop]] = {}
        self._lock = threading.Lock()
        self._sessions = Sessions(cap=1)
        self._max_output = 0
        self._transfers: Transfers | None = None
        self._error: ErrorInfo | None = None
        self._connector = _Connectors(self._alarms, self._questions)

    def run(self) -> None:
        """Until Quit, or until the parent is gone: then what runs on hosts is left or killed as each
        job says, and the process ends by itself."""
        preloaded = PRELOAD in sys.modules
        sys.setswitchinterval(_TURN)
        # A terminal's Ctrl-C or hang-up and a service manager's TERM reach the whole group; what they
        # mean is the parent's to decide, and without it we end by ourselves. They are not ignored but
        # handled: what is ignored stays so in local commands, which then no TERM could end.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, lambda number, frame: None)
        _clean_environment()
        _raise_file_limit()
        try:
            while True:
                for message in decode_down(self._connection.recv_bytes()):
                    if isinstance(message, Quit):
                        self._close()
                        return
                    if isinstance(message, Init):
                        self._prepare(message, preloaded)
                    else:
                        self._take(message)
        except (EOFError, OSError):
            self._orphaned()

    def _prepare(self, init: Init, preloaded: bool) -> None:
        self._sessions = Sessions(init.session_cap)
        self._max_output = init.max_output
        if init.initializer is not None:
            self._error = _initialize(init.initializer)
        self._outbox.put(Ready(pid=os.getpid(), preloaded=preloaded, error=self._error))

    def _take(self, message: Down) -> None:
        if isinstance(message, TaskDef):
            self._task_data[message.task_id] = message.data
        elif isinstance(message, TaskDrop):
            self._task_data.pop(message.task_id, None)
            self._tasks.pop(message.task_id, None)
        elif isinstance(message, Job):
            self._start(message)
        elif isinstance(message, Cancel):
            with self._lock:
                known = self._jobs.get(message.job_id)
            if known is not None:
                # On a thread of its own: stopping talks to the host, receiving must go on.
                stop = known[1]
                self._threads.run(lambda: stop.request(message.reason, message.grace))
        elif isinstance(message, Answer):
            self._questions.answered(message)

    def _start(self, job: Job) -> None:
        stop = Stop()
        with self._lock:
            self._jobs[job.job_id] = (job, stop)
        self._threads.run(lambda: self._work(job, stop))

    def _task(self, task_id: int) -> Task | ErrorInfo:
        """The task, unpickled at its first job; what goes wrong then is each job's result."""
        task = self._tasks.get(task_id)
        if task is None:
            try:
                task = pickle.loads(self._task_data[task_id])
            except Exception as error:
                task = ErrorInfo(
                    "task_unpickled",
                    f"the task could not be read in the worker process: {type(error).__name__}: {error}",
                    "its class must be importable there: at the top of a module, not in a REPL",
                )
            self._tasks[task_id] = task
        return task

    def _work(self, job: Job, stop: Stop) -> None:
        task = self._error if self._error is not None else self._task(job.task_id)
        if isinstance(task, ErrorInfo):
            result = refused(job, task)
        else:

            def expired(reason: StopReason) -> None:
                self._threads.run(lambda: stop.request(reason, job.kill_grace))

            clock = TaskClock(self._alarms, job.task_timeout, job.silence_timeout, expired)
            reporter = Reporter(job.job_id, self._outbox, self._alarms, clock)
            result = Driver(
                job, task, stop, reporter, self._sessions, self._connector, self._max_output, self._moving
            ).run()
        with self._lock:
            del self._jobs[job.job_id]
        self._outbox.put(Done(job_id=job.job_id, result=result))

    def _moving(self) -> Transfers:
        """Imported and made when the first task moves files."""
        from hostpool.worker.transfers import Transfers

        with self._lock:
            if self._transfers is None:
                self._transfers = Transfers()
            return self._transfers

    def _close(self) -> None:
        self._sessions.close()
        if self._transfers is not None:
            self._transfers.close()
        self._connector.close()
        self._outbox.close()

    def _orphaned(self) -> None:
        """The parent is gone. Sessions close as this process ends."""
        with self._lock:
            doomed = [(job, stop) for job, stop in self._jobs.values() if job.on_lost == "kill"]
        for job, stop in doomed:
            self._threads.run(lambda job=job, stop=stop: stop.request("cancelled", job.kill_grace))  # type: ignore[misc]  # mypy does not type lambda defaults
        until = time.monotonic() + max((job.kill_grace + 3.0 for job, _ in doomed), default=0.0)
        while time.monotonic() < until:
            with self._lock:
                if not any(job.job_id in self._jobs for job, _ in doomed):
                    break
            time.sleep(0.05)
        if self._transfers is not None:
            self._transfers.close()
        os._exit(0)


class _Connectors:
    """Chooses the transport; each is imported and made when its first host needs it."""

    def __init__(self, alarms: Alarms, questions: Questions) -> None:
        self._alarms = alarms
        self._questions = questions
        self._lock = threading.Lock()
        self._ssh: SSHContext | None = None
        self._handshakes = Handshakes()

    def connect(self, target: Target, stop: Stop) -> Session:
        if target.connection == "local":
            from hostpool.local import LocalSession

            return LocalSession(target)
        with self._handshakes.place(target, stop):
            return self._context().connect(target, stop)

    def host_keys(self, target: Target, stop: Stop) -> Sighting:
        if target.connection == "local":
            return Sighting(())
        from hostpool.ssh.scan import host_keys

        return host_keys(self._context(), target, stop)

    def warnings(self) -> list[str]:
        return self._ssh.host_keys.warnings() if self._ssh is not None else []

    def close(self) -> None:
        if self._ssh is not None:
            self._ssh.close()

    def _context(self) -> SSHContext:
        with self._lock:
            if self._ssh is None:
                from hostpool.ssh import SSHContext

                self._ssh = SSHContext(
                    self._alarms, ask=self._questions.ask, new_host_key=self._questions.new_host_key
                )
            return self._ssh


def _initialize(data: bytes) -> ErrorInfo | None:
    """The user's initializer: it never raises at us, its failure is each job's result."""
    try:
        initializer, initargs = pickle.loads(data)
        initializer(*initargs)
    except Exception as error:
        return ErrorInfo(
            "initializer_failed",
            f"the pool's initializer failed in the worker: {type(error).__name__}: {error}",
            "it runs once in each worker process, before any job; nothing was sent to the host",
        )
    return None


def _clean_environment() -> None:
    """What the fork server needed must not reach what we run here."""
    if os.environ.pop(SAFE_PATH_IS_OURS, None):
        os.environ.pop(SAFE_PATH, None)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            pass
