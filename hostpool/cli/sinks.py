"""Sinks of the command line's own, around the view."""

from __future__ import annotations

import threading
import time

import msgspec

from hostpool.errors import HostpoolError
from hostpool.events import Event, RunFinished, Warning
from hostpool.exit_codes import largest_remote
from hostpool.results import HostResult
from hostpool.runner import Sink


class Shared:
    """Lets a second thread tell the person something in the middle of a run."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._closed = False

    def handle(self, event: Event) -> None:
        with self._lock:
            self._sink.handle(event)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._sink.close()

    def warn(self, error: HostpoolError) -> None:
        """As `note`, for what befell something of ours that the run does not need."""
        where = error.where()
        self.note(f"{where}: {error.message}" if where else error.message, error.hint)

    def note(self, message: str, hint: str | None = None) -> None:
        """Says it where the view says warnings; never fails."""
        with self._lock:
            if self._closed:
                return
            try:
                self._sink.handle(Warning(ts=time.time(), message=message, hint=hint))
            except Exception:  # the view is broken: the runner finds out by itself
                pass


class LargestCode(msgspec.Struct):
    """``-S``: gives run_finished the largest exit code of any host."""

    sink: Sink
    codes: list[int | None] = msgspec.field(default_factory=list)

    def handle(self, event: Event) -> None:
        if isinstance(event, HostResult):
            self.codes.append(event.exit_code)
        elif isinstance(event, RunFinished):
            event = msgspec.structs.replace(event, exit_code=largest_remote(event.exit_code, self.codes))
        self.sink.handle(event)

    def close(self) -> None:
        self.sink.close()


class WithoutData(msgspec.Struct):
    """What a task found out is shown in a way of its own, or said by the status alone."""

    sink: Sink

    def handle(self, event: Event) -> None:
        if isinstance(event, HostResult) and event.result is not None:
            event = msgspec.structs.replace(event, result=None)
        self.sink.handle(event)

    def close(self) -> None:
        self.sink.close()
