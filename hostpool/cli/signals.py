"""What Ctrl-C and the signals of an init system or a closing terminal do to a run.

The first SIGINT starts no more hosts and lets running ones finish; the second, or SIGTERM and SIGHUP at
once, ends them on the hosts (TERM, 5 s, KILL); the next leaves at once. Every host is reported.
"""

from __future__ import annotations

import queue
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Protocol

from hostpool.settings import KILL_GRACE

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stoppable(Protocol):
    """The runner's side of it; each may be called from any thread, none from a signal handler."""

    def stop_gently(self, why: str = ...) -> object: ...

    def stop_hard(self, why: str = ...) -> None: ...

    def leave(self, why: str = ...) -> None: ...


class Teller(Protocol):
    def note(self, message: str) -> None: ...


class Signals:
    """Handlers for the time of a run; those before it come back afterwards. In the main thread only.

    A signal that was ignored when we began stays ignored (nohup, a shell's background job).
    """

    def __init__(self, run: Stoppable, teller: Teller) -> None:
        self._run = run
        self._teller = teller
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put is reentrant
        self._before: dict[int, Any] = {}
        self._level = 0
        self._thread = threading.Thread(target=self._serve, name="hostpool-signals", daemon=True)

    def __enter__(self) -> Signals:
        self._thread.start()
        for number in _CAUGHT:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._arrived.put(0)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self._arrived.put(number)

    def _serve(self) -> None:
        while number := self._arrived.get():
            self._level = self._level + 1 if number == signal.SIGINT else max(self._level + 1, 2)
            self._act(signal.Signals(number).name)

    def _act(self, why: str) -> None:
        if self._level == 1:
            self._run.stop_gently(why)
            self._teller.note("interrupted: running hosts finish, no more start; Ctrl-C again ends them")
        elif self._level == 2:
            self._run.stop_hard(why)
            self._teller.note(
                f"{why}: ending what runs (TERM, {KILL_GRACE:g} s, KILL); once more leaves at once"
            )
        else:
            self._run.leave(why)
