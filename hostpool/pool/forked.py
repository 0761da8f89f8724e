"""A fork server that is a fork of this very process, made before it has threads.

multiprocessing's own is a new interpreter, and one more that tracks resources: 100 ms of CPU for a command
that takes 400. What it can do besides is import a script's ``__main__`` for its workers, which whoever makes
a HostPool needs and the command line does not.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from hostpool.pool.frames import Connection, Frames

NUMBER = 8
"""Bytes of a number in a worker's pipe of news: its process id, later its exit status."""

LINGER = 1.0
"""Seconds that a worker with nothing more to do gives its parent to end first."""

_server: socket.socket | None = None
_leaving: list[Connection] = []
"""Connections of workers that linger: they end when these are closed, which they are with this process."""


def start(preload: Sequence[str]) -> bool:
    """Forks the server, which imports those modules. False where that would not be safe."""
    global _server
    if threading.active_count() > 1:
        return False
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        try:
            ours.close()
            _Server(theirs).run(preload)
        finally:
            os._exit(0)
    theirs.close()
    _server = ours
    return True


def running() -> bool:
    return _server is not None


def prepare(modules: Sequence[str]) -> None:
    """Has the server import these as well: workers are forked with them from now on. It is not waited for."""
    if _server is None:
        return
    names = "\n".join(modules).encode()
    try:
        _server.sendall(b"i" + len(names).to_bytes(NUMBER, "big") + names)
    except OSError:  # it is dead: whoever wants a worker will tell
        pass


def fork(entry: str) -> tuple[Frames, int]:
    """A new worker that runs ``entry`` in the current directory: its connection, and the pipe of news
    about it. Raises OSError."""
    global _server
    if _server is None:
        raise OSError("there is no fork server")
    here, there = socket.socketpair()
    news, theirs = os.pipe()
    frames = Frames(here)
    try:
        socket.send_fds(_server, [b"f"], [there.fileno(), theirs])
        frames.send_bytes(entry.encode())
        frames.send_bytes(_directory())
    except OSError:
        frames.close()
        os.close(news)
        _server = None  # it is dead
        raise
    finally:
        there.close()
        os.close(theirs)
    return frames, news


def let_linger(connection: Connection) -> None:
    """For that of a worker that has said its last word."""
    _leaving.append(connection)
    if _server is not None:
        try:
            _server.sendall(b"o")
        except OSError:  # it is dead, and holds nothing
            pass


def read_number(pipe: int) -> int:
    """The next of its news. Raises EOFError when the server is gone."""
    data = os.read(pipe, NUMBER)
    if len(data) < NUMBER:
        raise EOFError("the fork server is gone")
    return int.from_bytes(data, "big", signed=True)


def child_main(connection: Connection, entry: str) -> None:
    """Runs in the worker process: ``entry`` is ``module:function``, imported there only."""
    module, _, function = entry.partition(":")
    getattr(importlib.import_module(module), function)(connection)


class _Server:
    """Alone in its process, until the parent's end of ``control`` is closed."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._news: dict[int, int] = {}
        _let_go(control.fileno())
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        # What a terminal or a service manager sends to the whole group is the parent's to act upon. Not
        # ignored: that would last in the commands of workers.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def run(self, preload: Sequence[str]) -> None:
        _import(preload)
        while True:
            ready, _, _ = select.select([self._control.fileno(), self._wake], [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                message, (*ends,), _, _ = socket.recv_fds(self._control, 1, 2)
                if not message:
                    return
                if message == b"o":
                    _let_go_of_output()
                elif message == b"i":
                    _import(self._received(int.from_bytes(self._received(NUMBER), "big")).decode().split())
                else:
                    self._fork(*ends)

    def _received(self, size: int) -> bytes:
        return self._control.recv(size, socket.MSG_WAITALL)

    def _fork(self, link: int, news: int) -> None:
        pid = os.fork()
        if pid == 0:
            for each in (*self._news.values(), news, self._wake, signal.set_wakeup_fd(-1)):
                os.close(each)
            self._control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _work(link)
        os.close(link)
        self._news[pid] = news
        _tell(news, pid)

    def _reap(self) -> None:
        while self._news:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            news = self._news.pop(pid)
            _tell(news, os.waitstatus_to_exitcode(status))
            os.close(news)


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # the worker will meet it again, and says so
            break
    gc.freeze()  # no worker looks through it, and so its memory stays shared


def _work(link: int) -> NoReturn:
    code = 1
    try:
        os.set_inheritable(link, False)
        frames = Frames(socket.socket(fileno=link))
        entry = frames.recv_bytes().decode()
        _go_to(frames.recv_bytes())
        child_main(frames, entry)
        code = 0
        _flush()
        _take_leave(frames)
    except EOFError:
        code = 0  # the parent is gone
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            _flush()
        finally:
            os._exit(code)


def _take_leave(frames: Frames) -> None:
    """All that is ours is done. By what the kernel takes back now, servers end, and keep all processors busy:
    the parent would wait 30 ms for one of its own to end. So it goes first, and who reads its output through
    a pipe does not wait for us either."""
    _let_go_of_output()
    frames.end(LINGER)


def _let_go_of_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _directory() -> bytes:
    try:
        return os.getcwdb()  # noqa: PTH109 -- pathlib knows no bytes
    except OSError:  # removed
        return b""


def _go_to(directory: bytes) -> None:
    """Where the parent is by now: it may have gone elsewhere since its server was forked."""
    try:
        os.chdir(directory)
    except OSError:  # the worker stays where it is, as its parent does
        pass


def _let_go(kept: int) -> None:
    """Closes what the parent was started with, as exec would; standard input is not for workers."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 -- pathlib is not imported yet
        if int(name) > 2 and int(name) != kept:
            try:
                os.close(int(name))
            except OSError:  # the one that was listed with
                pass


def _tell(news: int, number: int) -> None:
    try:
        os.write(news, number.to_bytes(NUMBER, "big", signed=True))
    except BrokenPipeError:
        pass
