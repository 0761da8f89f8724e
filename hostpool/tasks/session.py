"""What the driver asks of a connection to a host, however it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from hostpool.events import Stream
from hostpool.stop import Stop, StopReason
from hostpool.tasks.base import Run


class Consumer(Protocol):
    """Takes output as it comes. ``feed`` may block: the host is then no longer read from."""

    def feed(self, stream: Stream, data: bytes) -> None: ...


class Exit(msgspec.Struct, frozen=True):
    """How a command left.

    ``stopped`` says that we ended it and why; ``still_running`` that its end was not confirmed.
    ``held_open``: it ended, but a child of it still held its output, which we no longer read.
    """

    exit_code: int | None = None
    signal: str | None = None
    stopped: StopReason | None = None
    still_running: bool = False
    held_open: bool = False


class Session(Protocol):
    """An authenticated connection to one host, used by one job at a time."""

    @property
    def alive(self) -> bool:
        """False once the connection is known to be gone."""
        ...

    def expect_more(self) -> None:
        """It is kept for further tasks: what they would wait for may be asked for ahead."""
        ...

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        """Runs to the end, or until ``stop`` is requested and carried out.

        Raises errors.Unreachable when nothing was sent (no channel to be had), errors.Lost when
        the connection broke after something was.
        """
        ...

    def sftp(self, check: Callable[[], None]) -> Any:
        """A client for files (worker.over_sftp.Client); ``check`` is called while it waits, and raises to
        stop it. Raises errors.Unreachable where there is none."""
        ...

    def close(self) -> None:
        """Frees everything; never raises, never blocks for more than a moment."""
        ...
