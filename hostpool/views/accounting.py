"""Every host is accounted for: exactly one result for each, whatever the run did."""

from __future__ import annotations

from contextlib import AbstractContextManager

from hostpool.errors import ErrorInfo
from hostpool.events import Event, HostFinished, HostStarted, RunFinished, RunStarted
from hostpool.views.options import View


class Accounted:
    """Passes events on. The first result of a host counts; a host without one gets one at the end.

    The runner gives every host its result; this holds also when the runner itself died.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._waiting: dict[str, bool] = {}
        self._ended: set[str] = set()
        self._ts = 0.0
        self._failed = False

    def handle(self, event: Event) -> None:
        self._ts = event.ts
        if isinstance(event, HostFinished):
            if event.host in self._ended:
                return
            self._ended.add(event.host)
            self._waiting.pop(event.host, None)
        elif isinstance(event, RunStarted):
            self._waiting.update((host, False) for host in event.hosts if host not in self._ended)
        elif isinstance(event, HostStarted):
            if event.host not in self._ended:
                self._waiting[event.host] = True
        elif isinstance(event, RunFinished):
            self._complete()
        self._pass_on(event)

    def _pass_on(self, event: Event) -> None:
        if self._failed:
            return
        try:
            self._view.handle(event)
        except BaseException:
            # What it misses from now on it must not report as missing.
            self._failed = True
            raise

    def _complete(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for host, started in waiting.items():
            self._ended.add(host)
            self._pass_on(
                HostFinished(
                    ts=self._ts,
                    host=host,
                    status="lost" if started else "not_run",
                    error=ErrorInfo("no_result", "the run ended without a result of this host"),
                )
            )

    def close(self) -> None:
        try:
            self._complete()
            if not self._failed:
                self._view.close()
        finally:
            if self._failed:
                self._view.discard()

    def discard(self) -> None:
        self._view.discard()

    def paused(self) -> AbstractContextManager[None]:
        return self._view.paused()
