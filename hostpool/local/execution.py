"""One local command: its pipes drained together, its process group ended when we are told to stop."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import selectors
import signal
import subprocess
import termios
import time
import tty
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from hostpool.errors import Cancelled
from hostpool.events import Stream
from hostpool.local.group import Ending, reap
from hostpool.stop import Stop
from hostpool.tasks.become import Dialogue
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.stdin import Stdin

QUIET = 0.3  # seconds of silence after the exit: a child holds the output
_TICK = 0.05  # seconds between looks at a process that cannot be waited for otherwise
_READ = 64 * 1024

Terminal = Literal["cooked", "raw"]
EndAsOther = Callable[[Dialogue, float], bool]
"""(dialogue of the command, grace) -> whether nothing of it is left; blocks."""


class Command(msgspec.Struct, frozen=True):
    argv: tuple[str | bytes, ...]
    env: Mapping[str, str]


class Execution:
    """Use once. The command leads a process group and session of its own."""

    def __init__(
        self,
        command: Command,
        stdin: Stdin,
        terminal: Terminal | None,
        dialogue: Dialogue | None,
        end_as_other: EndAsOther | None,
    ) -> None:
        self._command = command
        self._stdin = stdin
        self._terminal = terminal
        self._dialogue = dialogue
        self._end_as_other = end_as_other
        self._input: int | None = None
        self._selector = selectors.DefaultSelector()
        self._open: set[int] = set()
        self._exited_at: float | None = None
        self._last_output = 0.0

    def run(self, consumer: Consumer, stop: Stop) -> Exit:
        """Raises OSError when no process can be started."""
        with contextlib.ExitStack() as closing:
            closing.callback(self._selector.close)
            wake_in, wake_out = os.pipe()
            closing.callback(os.close, wake_in)
            closing.callback(os.close, wake_out)
            self._selector.register(wake_in, selectors.EVENT_READ, "wake")
            child = self._start(closing)
            closing.callback(reap, child)
            closing.callback(stop.subscribe(lambda: _poke(wake_out)))
            return self._follow(child, consumer, stop, Ending(child.pid, stop))

    # -- starting

    def _start(self, closing: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        child = self._start_on_terminal(closing) if self._terminal else self._start_on_pipes(closing)
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # an old kernel: we look every 50 ms instead
                handle = os.pidfd_open(child.pid)
                closing.callback(os.close, handle)
                self._selector.register(handle, selectors.EVENT_READ, "exit")
        return child

    def _start_on_pipes(self, closing: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            self._command.argv,
            env=self._command.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        for pipe in (child.stdout, child.stderr):
            os.set_blocking(pipe.fileno(), False)
            closing.callback(pipe.close)
        self._read_from(child.stdout.fileno(), "stdout")
        self._read_from(child.stderr.fileno(), "stderr")
        self._write_to(os.dup(child.stdin.fileno()), closing)
        child.stdin.close()
        return child

    def _start_on_terminal(self, closing: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        ours, theirs = pty.openpty()
        closing.callback(os.close, ours)
        if self._terminal == "raw":
            tty.setraw(theirs)
        try:
            child = subprocess.Popen(
                self._command.argv,
                env=self._command.env,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                preexec_fn=_take_terminal,  # one ioctl, no locks
            )
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        self._read_from(ours, "stdout")
        self._write_to(os.dup(ours), closing)
        return child

    def _write_to(self, fd: int, closing: contextlib.ExitStack) -> None:
        os.set_blocking(fd, False)
        self._input = fd
        closing.callback(self._close_input)
        if self._dialogue is None:
            self._selector.register(fd, selectors.EVENT_WRITE, "stdin")

    def _close_input(self) -> None:
        if self._input is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._input)
            os.close(self._input)
            self._input = None

    def _read_from(self, fd: int, stream: Stream) -> None:
        self._open.add(fd)
        self._selector.register(fd, selectors.EVENT_READ, stream)

    # -- following

    def _follow(self, child: subprocess.Popen[bytes], consumer: Consumer, stop: Stop, ending: Ending) -> Exit:
        while True:
            self._take_up_input()
            ready = self._selector.select(self._patience(ending))
            fed = [self._serve(key, consumer) for key, _ in ready]
            if any(fed):
                self._last_output = time.monotonic()
            if child.poll() is not None and self._exited_at is None:
                self._exited_at = self._last_output = time.monotonic()
                self._forget("exit")
            over = self._exited_at is not None and (not self._open or self._held_open())
            if self._dialogue is not None and not self._dialogue.open:
                self._talk(self._dialogue, over, stop)
            elif self._end_as_other is not None and self._dialogue is not None and stop.reason is not None:
                return self._exit_as_other(child, self._dialogue, self._end_as_other, stop)
            elif ending.step(gone=self._exited_at is not None) or (over and not ending.began):
                return self._exit(child, ending)

    def _talk(self, dialogue: Dialogue, over: bool, stop: Stop) -> None:
        """Until the command begins; what is raised here closes everything, which ends the program."""
        if over:
            raise dialogue.ended()
        if stop.reason is not None:
            raise Cancelled("stopped before the command was started")
        answer = None if self._exited_at is not None else dialogue.reply()
        if answer is not None and self._input is not None:
            with contextlib.suppress(OSError):
                os.write(self._input, answer)

    def _exit_as_other(
        self, child: subprocess.Popen[bytes], dialogue: Dialogue, end: EndAsOther, stop: Stop
    ) -> Exit:
        gone = end(dialogue, stop.grace)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(QUIET if gone else 0)
        code = child.poll()
        return Exit(
            exit_code=code if code is not None and code >= 0 else None,
            signal=_signal_name(-code) if code is not None and code < 0 else None,
            stopped=stop.reason,
            still_running=not gone,
        )

    def _patience(self, ending: Ending) -> float | None:
        due = [] if ending.due is None else [max(0.0, ending.due - time.monotonic())]
        polls = not any(key.data == "exit" for key in self._selector.get_map().values())
        if polls or self._exited_at is not None:
            due.append(_TICK)
        if self._dialogue is not None and not self._dialogue.open:
            due.append(max(0.0, self._dialogue.due - time.monotonic()))
        if self._stdin.due is not None and self._input is not None:
            due.append(max(0.0, self._stdin.due - time.monotonic()))
        return min(due) if due else None

    def _serve(self, key: selectors.SelectorKey, consumer: Consumer) -> bool:
        """Whether there was output."""
        if key.data in ("stdout", "stderr"):
            return self._read(key.fd, key.data, consumer)
        if key.data == "stdin":
            self._write(key)
        elif key.data == "wake":
            os.read(key.fd, 64)
        return False

    def _read(self, fd: int, stream: Stream, consumer: Consumer) -> bool:
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the last holder of the terminal closed it
            data = b""
        if data:
            self._deliver(stream, data, consumer)
            return True
        self._selector.unregister(fd)
        self._open.discard(fd)
        return False

    def _deliver(self, stream: Stream, data: bytes, consumer: Consumer) -> None:
        dialogue = self._dialogue
        if dialogue is not None and dialogue.pid is None:
            data = dialogue.take(stream, data)
            if dialogue.open and self._input is not None:
                self._selector.register(self._input, selectors.EVENT_WRITE, "stdin")
        if data:
            consumer.feed(stream, data)

    def _write(self, key: selectors.SelectorKey) -> None:
        piece = self._stdin.peek()
        try:
            if piece:
                self._stdin.advance(os.write(key.fd, piece))
                return
        except BlockingIOError:
            return
        except OSError:  # EPIPE: nobody reads it; EIO: the terminal is gone
            pass
        if self._stdin.due is None:
            self._close_input()
        else:
            self._forget("stdin")

    def _take_up_input(self) -> None:
        due = self._stdin.due
        if due is not None and self._input is not None and time.monotonic() >= due:
            with contextlib.suppress(KeyError):  # it is there already
                self._selector.register(self._input, selectors.EVENT_WRITE, "stdin")

    def _forget(self, role: str) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data == role:
                self._selector.unregister(key.fileobj)

    def _held_open(self) -> bool:
        return self._exited_at is not None and time.monotonic() - self._last_output >= QUIET

    def _exit(self, child: subprocess.Popen[bytes], ending: Ending) -> Exit:
        code = child.poll()
        return Exit(
            exit_code=code if code is not None and code >= 0 else None,
            signal=_signal_name(-code) if code is not None and code < 0 else None,
            stopped=ending.reason if ending.began else None,
            still_running=ending.began and not ending.confirmed,
            held_open=bool(self._open),
        )


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _poke(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.write(fd, b"!")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
