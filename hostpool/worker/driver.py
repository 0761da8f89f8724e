"""Drives one task on one host: requests out, replies in, one result at the end, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from hostpool.errors import Cancelled, ErrorInfo, HostError, Lost, TaskFailed, Unreachable
from hostpool.events import HostConnected, HostRetry, HostStarted
from hostpool.events import Warning as WarningEvent
from hostpool.messages import Job
from hostpool.results import HostResult
from hostpool.stop import Stop
from hostpool.tasks.base import (
    Effect,
    Moment,
    Note,
    Outcome,
    Reconnect,
    Request,
    Run,
    RunReply,
    Sleep,
    Task,
)
from hostpool.tasks.host_keys import HostKeys, Sighting
from hostpool.tasks.session import Consumer, Exit, Session
from hostpool.worker.capture import Capture
from hostpool.worker.connecting import connect, persist
from hostpool.worker.reaching import Ways, reconnect
from hostpool.worker.reporter import Reporter
from hostpool.worker.sessions import Sessions
from hostpool.worker.verdicts import Stopped, result_of_error, result_of_outcome

if TYPE_CHECKING:
    from hostpool.worker.transfers import Transfers


class Driver:
    """One job. ``run`` never raises: what goes wrong is in the result. ``transfers`` is called when the
    task moves files: a command has no use for all that."""

    def __init__(
        self,
        job: Job,
        task: Task,
        stop: Stop,
        reporter: Reporter,
        sessions: Sessions,
        connector: Ways,
        max_output: int,
        transfers: Callable[[], Transfers],
    ) -> None:
        self._job = job
        self._task = task
        self._stop = stop
        self._reporter = reporter
        self._sessions = sessions
        self._connector = connector
        self._max_output = max_output
        self._transfers = transfers
        self._session: Session | None = None
        self._fresh = False
        self._attempts = 0
        self._capture: Capture | None = None
        self._began = time.monotonic()
        self._ways: dict[type[Request[Any]], Callable[[Any], Any]] = {
            Run: self._run,
            Sleep: self._sleep,
            Note: self._note,
            Moment: self._moment,
            Reconnect: self._reconnect,
            HostKeys: self._host_keys,
        }

    def run(self) -> HostResult:
        self._reporter.event(HostStarted(ts=time.time(), host=self._job.target.name))
        try:
            result = result_of_outcome(self._host, self._drive(self._task.steps()))
        except HostError as error:
            result = result_of_error(self._host, error, self._capture)
        except Exception as error:
            result = result_of_error(self._host, _internal(error), self._capture)
        finally:
            self._reporter.clock.stop()
            for message in self._connector.warnings():
                self._reporter.event(WarningEvent(ts=time.time(), message=message))
            if self._session is not None:
                self._sessions.give_back(self._job.target, self._session, self._job.keep)
        return _stamped(result, self._attempts, time.monotonic() - self._began)

    @property
    def _host(self) -> str:
        return self._job.target.name

    def _drive(self, steps: Generator[Request[Any], Any, Outcome]) -> Outcome:
        try:
            request = next(steps)
            while True:
                if self._job.check and request.effect is Effect.CHANGE:
                    steps.close()
                    return request.foretells or Outcome(status="changed", changed=True)
                try:
                    reply = self._perform(request)
                except HostError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    def _perform(self, request: Request[Any]) -> Any:
        perform = self._ways.get(type(request))
        if perform is not None:
            return perform(request)
        transfers = self._transfers()
        if transfers.over_sftp_only(request):
            return self._over_sftp(request, transfers)
        return transfers.perform(request, self._host, self._reporter)

    def _over_sftp(self, request: Request[Any], transfers: Transfers) -> Any:
        session = self._connected()
        if self._job.target.become is not None:
            raise TaskFailed("the host has no shell to become another user with, only SFTP", kind="no_shell")
        self._reporter.began()
        return transfers.over_sftp(request, session, self._check_stop, self._host, self._reporter)

    def _check_stop(self) -> None:
        if self._stop.reason is not None:
            raise Stopped(Exit(stopped=self._stop.reason), self._host)

    def _sleep(self, request: Sleep) -> None:
        if self._stop.wait(request.seconds):
            raise Stopped(Exit(stopped=self._stop.reason), self._host)

    def _note(self, request: Note) -> None:
        self._reporter.event(
            WarningEvent(ts=time.time(), host=self._host, message=request.message, hint=request.hint)
        )

    def _moment(self, request: Moment) -> float:
        return time.monotonic()

    def _run(self, request: Run) -> RunReply:
        session = self._connected()
        self._reporter.began()
        try:
            return self._run_on(session, request)
        except Unreachable:
            # An idle session may have died unnoticed; nothing was sent, so a new one may try.
            if self._fresh:
                raise
            session.close()
            self._session = None
            return self._run_on(self._connected(), request)

    def _run_on(self, session: Session, request: Run) -> RunReply:
        capture = Capture(
            self._host, self._max_output, request.live, self._job.output == "full", self._reporter
        )
        self._capture = capture
        if self._stop.reason is not None:
            raise Stopped(Exit(stopped=self._stop.reason), self._host)
        consumer: Consumer = capture
        if request.into is not None:
            from hostpool.worker.transfers import Diverted

            consumer = Diverted(request.into, capture, self._reporter)
        try:
            end = session.run(request, consumer, self._stop)
        except Cancelled:
            raise Stopped(Exit(stopped=self._stop.reason), self._host) from None
        capture.close()
        if end.stopped is not None:
            raise Stopped(end, self._host)
        if end.held_open:
            self._note_held_open()
        self._capture = None
        return RunReply(
            exit_code=end.exit_code,
            signal=end.signal,
            stdout=capture.stdout.bytes(),
            stderr=capture.stderr.bytes(),
            stdout_bytes=capture.stdout.total,
            stderr_bytes=capture.stderr.total,
            stdout_truncated=capture.stdout.truncated,
            stderr_truncated=capture.stderr.truncated,
        )

    def _note_held_open(self) -> None:
        self._note(
            Note(
                message="the command ended, but a process it left behind still holds its output",
                hint="give background processes their own: `nohup cmd >/dev/null 2>&1 &`",
            )
        )

    def _connected(self) -> Session:
        if self._session is not None:
            return self._session
        target = self._job.target
        session = self._sessions.take(target)
        self._fresh = session is None
        if session is None:
            began = time.monotonic()
            try:
                session, self._attempts = connect(
                    self._connector, target, self._job.retries, self._stop, self._retrying
                )
            except Cancelled:
                self._attempts = max(1, self._attempts)
                raise Stopped(Exit(stopped=self._stop.reason), self._host, connected=False) from None
            except Unreachable as error:
                self._attempts = error.attempts
                raise
            seconds = time.monotonic() - began
            self._reporter.event(HostConnected(ts=time.time(), host=self._host, seconds=seconds))
        self._session = session
        if self._job.keep:
            session.expect_more()
        self._reporter.clock.start()
        return session

    def _reconnect(self, request: Reconnect) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
        try:
            self._session = reconnect(self._connector, self._job.target, request.within, self._stop)
        except Cancelled:
            raise Stopped(Exit(stopped=self._stop.reason), self._host, connected=False) from None
        self._fresh = True

    def _host_keys(self, request: HostKeys) -> Sighting:
        try:
            seen, self._attempts = persist(
                self._connector.host_keys, self._job.target, self._job.retries, self._stop, self._retrying
            )
        except Cancelled:
            raise Stopped(Exit(stopped=self._stop.reason), self._host, connected=False) from None
        except Unreachable as error:
            self._attempts = error.attempts
            raise
        return seen

    def _retrying(self, attempt: int, error: Unreachable, pause: float) -> None:
        self._attempts = attempt
        self._reporter.event(
            HostRetry(ts=time.time(), host=self._host, attempt=attempt, error=error.message, delay=pause)
        )


def _internal(error: Exception) -> HostError:
    """A bug of ours (or of a user's task) must not look like a host's failure."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame is not None else ""
    return Lost(
        f"{type(error).__name__}: {error}{where}",
        kind="internal",
        hint="this is a bug in hostpool or in the task's own code; what ran on the host is unknown",
    )


def _stamped(result: HostResult, attempts: int, duration: float) -> HostResult:
    import msgspec

    return msgspec.structs.replace(result, ts=time.time(), attempts=max(1, attempts), duration=duration)


def refused(job: Job, error: ErrorInfo) -> HostResult:
    """The result of a job that this worker cannot take up at all (its initializer failed)."""
    return HostResult(ts=time.time(), host=job.target.name, status="unreachable", error=error)
