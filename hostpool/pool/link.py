"""The link to one worker process: send, receive, kill. The seam for other kinds of machines.

Nothing but bytes crosses it: frames of messages (see hostpool.messages). A link is used by exactly
one sending and one receiving thread.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import Any, Protocol

from hostpool.pool import forked
from hostpool.pool.frames import Connection

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

    def part(self) -> None:
        """It has been told to quit, and nothing more comes from it."""
        ...


class _Linked:
    """What both kinds of worker have in common: the parent's end of the connection, once there is one."""

    _here: Connection | None = None

    def send(self, frame: bytes) -> None:
        if self._here is None:
            raise EOFError("the worker was never started")
        self._here.send_bytes(frame)

    def recv(self) -> bytes:
        if self._here is None:
            raise EOFError("the worker was never started")
        try:
            return self._here.recv_bytes()
        except (OSError, ValueError) as error:  # ValueError: it is closed
            raise EOFError(str(error)) from error

    def close(self) -> None:
        if self._here is not None:
            self._here.close()


class ProcessLink(_Linked):
    """A worker forked by the fork server, at the other end of a socket pair.

    ``start`` blocks until the fork server has done its imports (about 0.1 s the first time).
    """

    def __init__(self, entry: str, name: str) -> None:
        self._entry = entry
        self._name = name
        self._process: Any = None

    @property
    def pid(self) -> int | None:
        pid: int | None = self._process.pid if self._process is not None else None
        return pid

    def start(self) -> None:
        import multiprocessing  # 25 ms, for whoever makes a HostPool

        context = multiprocessing.get_context("forkserver")
        here, there = context.Pipe(duplex=True)
        process = context.Process(
            target=forked.child_main, args=(there, self._entry), name=self._name, daemon=True
        )
        try:
            process.start()
        except BaseException:
            here.close()
            raise
        finally:
            there.close()
        self._process = process
        self._here = here

    def kill(self) -> None:
        """By pid, whatever ``is_alive`` thinks: with a dead fork server it lies."""
        if self.pid is not None and self._process.exitcode is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def part(self) -> None:
        self.kill()
        self.close()

    def exit_status(self, timeout: float) -> int | None:
        """The exit status (negative: a signal) once it has ended, None if it has not in time."""
        if self._process is None:
            return None
        self._process.join(timeout)
        status: int | None = self._process.exitcode
        return status


class ForkedLink(_Linked):
    """A worker forked by the fork of ourselves (see forked), which the command line makes.

    ``start`` blocks until that one has done its imports.
    """

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self._news = -1
        self._news_lock = threading.Lock()
        """Against ``close`` in the midst of a ``kill``: its file descriptor would soon be another file's."""
        self._pid: int | None = None
        self._status: int | None = None

    @property
    def pid(self) -> int | None:
        return self._pid

    def start(self) -> None:
        self._here, self._news = forked.fork(self._entry)
        try:
            self._pid = forked.read_number(self._news)
        except EOFError:
            self.close()
            raise

    def kill(self) -> None:
        """Nothing once it is closed: its process id may be another's by then."""
        with self._news_lock:
            if self._pid is None or self._news < 0:
                return
            self._learn()
            if self._status is None:
                try:
                    os.kill(self._pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def exit_status(self, timeout: float) -> int | None:
        """As ProcessLink's; None as well when the fork server is gone, which alone would know. For the
        thread that closes."""
        if self._news >= 0 and self._pid is not None:
            _readable(self._news, timeout)
            with self._news_lock:
                self._learn()
        return self._status

    def close(self) -> None:
        super().close()
        self._forget()

    def part(self) -> None:
        """It lingers, so that we may end before it does."""
        self._forget()
        if self._here is not None:
            forked.let_linger(self._here)

    def _forget(self) -> None:
        with self._news_lock:
            news, self._news = self._news, -1
        if news >= 0:
            os.close(news)

    def _learn(self) -> None:
        """Takes in its exit status if that is told by now."""
        if self._status is None and _readable(self._news, 0.0):
            try:
                self._status = forked.read_number(self._news)
            except EOFError:
                pass


def link_to_worker(entry: str, name: str) -> Link:
    return ForkedLink(entry) if forked.running() else ProcessLink(entry, name)


def _readable(pipe: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(1000 * timeout))
