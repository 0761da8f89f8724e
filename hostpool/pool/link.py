"""The link to one worker process: send, receive, kill. The seam for other kinds of machines.

Nothing but bytes crosses it: frames of messages (see hostpool.messages). A link is used by exactly
one sending and one receiving thread.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from typing import Any, Protocol

MISSING_GUARD = 77
"""Exit status of a child that found the pool being made again while it imported __main__."""


class Link(Protocol):
    """One worker as the pool sees it. ``recv`` raises EOFError when it is dead."""

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    def send(self, frame: bytes) -> None: ...

    def recv(self) -> bytes: ...

    def kill(self) -> None: ...

    def exit_status(self, timeout: float) -> int | None: ...

    def close(self) -> None: ...


def child_main(connection: Connection, entry: str) -> None:
    """Runs in the worker process: ``entry`` is ``module:function``, imported there only."""
    module, _, function = entry.partition(":")
    getattr(importlib.import_module(module), function)(connection)


class ProcessLink:
    """A worker forked by the fork server, at the other end of a socket pair.

    ``start`` blocks until the fork server has done its imports (about 0.1 s the first time).
    """

    def __init__(self, entry: str, name: str) -> None:
        self._entry = entry
        self._name = name
        self._here: Connection | None = None
        self._process: Any = None

    @property
    def pid(self) -> int | None:
        pid: int | None = self._process.pid if self._process is not None else None
        return pid

    def start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        here, there = context.Pipe(duplex=True)
        process = context.Process(target=child_main, args=(there, self._entry), name=self._name, daemon=True)
        try:
            process.start()
        except BaseException:
            here.close()
            raise
        finally:
            there.close()
        self._process = process
        self._here = here

    def send(self, frame: bytes) -> None:
        if self._here is None:
            raise EOFError("the worker was never started")
        self._here.send_bytes(frame)

    def recv(self) -> bytes:
        if self._here is None:
            raise EOFError("the worker was never started")
        try:
            return self._here.recv_bytes()
        except OSError as error:
            raise EOFError(str(error)) from error

    def kill(self) -> None:
        """By pid, whatever ``is_alive`` thinks: with a dead fork server it lies."""
        if self.pid is not None and self._process.exitcode is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def exit_status(self, timeout: float) -> int | None:
        """The exit status (negative: a signal) once it has ended, None if it has not in time."""
        if self._process is None:
            return None
        self._process.join(timeout)
        status: int | None = self._process.exitcode
        return status

    def close(self) -> None:
        if self._here is not None:
            self._here.close()
