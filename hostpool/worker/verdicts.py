"""From how a task ended to the host's one result."""

from __future__ import annotations

from typing import Any

from hostpool.errors import Cancelled, ErrorInfo, HostError, Lost, TaskFailed, TaskTimeout, Unreachable
from hostpool.results import HostResult, Status
from hostpool.stop import StopReason
from hostpool.tasks.base import Outcome
from hostpool.tasks.session import Exit
from hostpool.worker.capture import Capture

_STATUS: tuple[tuple[type[HostError], Status], ...] = (
    (Unreachable, "unreachable"),
    (Lost, "lost"),
    (TaskTimeout, "timeout"),
    (Cancelled, "cancelled"),
    (TaskFailed, "failed"),
)

_STOPPED: dict[StopReason, tuple[Status, str, str, str]] = {
    "timeout": (
        "timeout",
        "task_timeout",
        "did not end within its time limit and was stopped",
        "raise --task-timeout if it may take longer",
    ),
    "silence": (
        "timeout",
        "silence_timeout",
        "printed nothing for too long and was stopped",
        "raise --silence-timeout, or let it print now and then",
    ),
    "deadline": (
        "timeout",
        "deadline",
        "was stopped at the run's deadline",
        "raise --deadline, or run fewer hosts at once",
    ),
    "cancelled": ("cancelled", "cancelled", "was stopped by us while it ran", "its state is unknown"),
}


class Stopped(HostError):
    """We stopped the job. ``end`` says why, and whether its end on the host was confirmed."""

    def __init__(self, end: Exit, host: str, connected: bool = True) -> None:
        assert end.stopped is not None
        self.end = end
        self.status, kind, message, hint = _STOPPED[end.stopped]
        what = "the task" if connected else "connecting"
        if end.still_running:
            self.status = "lost"
            kind = "kill_unconfirmed"
            message += ", but its end was not confirmed"
            hint = "it may still be running on the host"
        super().__init__(f"{what} {message}", host=host, kind=kind, hint=hint)


def result_of_outcome(host: str, outcome: Outcome) -> HostResult:
    reply = outcome.reply
    fields: dict[str, Any] = {}
    if reply is not None:
        fields = _texts(reply.stdout, reply.stderr)
        fields.update(
            exit_code=reply.exit_code,
            signal=reply.signal,
            stdout_bytes=reply.stdout_bytes,
            stderr_bytes=reply.stderr_bytes,
            stdout_truncated=reply.stdout_truncated,
            stderr_truncated=reply.stderr_truncated,
        )
    return HostResult(
        ts=0.0,
        host=host,
        status=outcome.status,
        changed=outcome.changed,
        would_run=outcome.would_run,
        result=outcome.result,
        error=outcome.error,
        **fields,
    )


def result_of_error(host: str, error: HostError, capture: Capture | None) -> HostResult:
    """``capture``: what the command printed before it came to this."""
    fields: dict[str, Any] = {}
    if capture is not None:
        capture.close()
        fields = _texts(capture.stdout.bytes(), capture.stderr.bytes())
        fields.update(
            stdout_bytes=capture.stdout.total,
            stderr_bytes=capture.stderr.total,
            stdout_truncated=capture.stdout.truncated,
            stderr_truncated=capture.stderr.truncated,
        )
    status: Status = "lost"
    if isinstance(error, Stopped):
        status = error.status
        fields.update(
            exit_code=error.end.exit_code, signal=error.end.signal, still_running=error.end.still_running
        )
    else:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), "lost")
    info = ErrorInfo(error.kind, error.message, error.hint, error.retryable)
    return HostResult(ts=0.0, host=host, status=status, error=info, **fields)


def _texts(stdout: bytes, stderr: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, data in (("stdout", stdout), ("stderr", stderr)):
        try:
            fields[name] = data.decode()
        except UnicodeDecodeError:
            fields[name] = data.decode("utf-8", "replace")
            fields[f"{name}_b64"] = data
    return fields
