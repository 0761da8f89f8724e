"""The results that the pool itself has to give: no worker is left to give them."""

from __future__ import annotations

import time

from hostpool.errors import ErrorInfo, HostpoolError
from hostpool.pool.jobs import Ticket
from hostpool.results import HostResult, Status


def _result(ticket: Ticket, status: Status, error: ErrorInfo) -> HostResult:
    duration = time.monotonic() - ticket.started if ticket.started is not None else 0.0
    return HostResult(
        ts=time.time(),
        host=ticket.host,
        status=status,
        duration=duration,
        attempts=1 if ticket.started is not None else 0,
        error=error,
    )


def not_run(ticket: Ticket, reason: str) -> HostResult:
    return _result(ticket, "not_run", ErrorInfo("not_run", reason, "rerun takes up what was not run"))


def unreachable(ticket: Ticket, error: HostpoolError | ErrorInfo) -> HostResult:
    """Nothing was sent to the host, and nothing will be."""
    return _result(ticket, "unreachable", error if isinstance(error, ErrorInfo) else error.info())


def worker_died(ticket: Ticket, what: str) -> HostResult:
    """Something was sent; whether it ran to its end nobody knows."""
    return _result(
        ticket,
        "lost",
        ErrorInfo(
            "worker_died",
            f"the worker process {what} while this host's task was running",
            "the task may still run on the host, or have ended: look there before running it again",
        ),
    )


def refused_credential(ticket: Ticket) -> HostResult:
    return unreachable(
        ticket,
        ErrorInfo(
            "password_given_up",
            "not tried: other hosts refused this password three times",
            "stopped to keep accounts from being locked; check the password and run again",
        ),
    )


def dead_on_start(ticket: Ticket) -> HostResult:
    return unreachable(
        ticket,
        ErrorInfo(
            "worker_died",
            "two worker processes died while connecting to this host",
            "run it alone with -v; if it happens again, this is a bug worth a report",
        ),
    )
