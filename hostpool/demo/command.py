"""One command that a client asked for: a process group of ours, joined to an SSH channel."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Mapping

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from hostpool.demo import pumps
from hostpool.demo.layout import Account
from hostpool.demo.running import Process, Running, signal_group
from hostpool.demo.terminal import Terminal

CANNOT_EXECUTE = 126


class Command:
    """``text`` run by the account's shell (None: the shell itself), from ``start`` to its exit status.

    As with sshd, a command without a terminal outlives its connection; its status is sent when it ends;
    the channel closes when nothing holds its output open any more. A terminal is closed at its end.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        account: Account,
        running: Running,
        text: bytes | None,
        environment: Mapping[str, str],
        terminal: Terminal | None,
    ) -> None:
        self._channel = channel
        self._account = account
        self._running = running
        self._environment = {**environment, **account.environment}
        self._terminal = terminal
        self._argv: list[str | bytes] = [account.shell] if text is None else [account.shell, "-c", text]
        self._process: Process | None = None
        self._early_signals: list[signal.Signals] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        _thread(self._run)

    def signal(self, name: str) -> None:
        """Send TERM, INT … to the command's process group, if need be as soon as there is one."""
        number = getattr(signal, f"SIG{name}", None)
        if not isinstance(number, signal.Signals):
            return
        with self._lock:
            if self._process is None:
                self._early_signals.append(number)
            else:
                signal_group(self._process, number)

    def _run(self) -> None:
        try:
            process = self._running.start(self._spawn)
        except (OSError, ValueError) as error:  # ValueError: a NUL within
            words = f"{self._account.shell}: {error}\n".encode()
            self._answer(lambda: self._channel.sendall_stderr(words))
            self._answer(lambda: self._channel.send_exit_status(CANNOT_EXECUTE))
            self._close()
            return
        with self._lock:
            self._process = process
            for number in self._early_signals:
                signal_group(process, number)
        for_input, for_output = self._join_to_channel(process)
        process.wait()
        self._running.forget(process)
        self._answer(lambda: send_end(self._channel, process.returncode))
        for thread in for_output:
            thread.join()
        self._channel.close()
        for_input.join()  # before a terminal's number can go to another file
        self._close()

    def _spawn(self) -> Process:
        argv, pipe = self._argv, subprocess.PIPE
        environment = self._environment
        if self._terminal is not None:
            argv, pipe = self._terminal.attached(argv), subprocess.DEVNULL
            environment = {**environment, "TERM": self._terminal.term}
        return subprocess.Popen(
            argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=self._account.home,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )

    def _join_to_channel(self, process: Process) -> tuple[threading.Thread, list[threading.Thread]]:
        """Start what carries the input, and what carries the output."""
        channel, terminal = self._channel, self._terminal
        if terminal is not None:
            typing = _thread(lambda: self._type(terminal, process))
            return typing, [_thread(lambda: pumps.show(terminal.master, channel, process))]
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin is not None and stdout is not None and stderr is not None
        return _thread(lambda: pumps.feed(channel, stdin)), [
            _thread(lambda: pumps.carry(stdout, channel.sendall)),
            _thread(lambda: pumps.carry(stderr, channel.sendall_stderr)),
        ]

    def _type(self, terminal: Terminal, process: Process) -> None:
        """Input of a terminal; one whose client has gone is hung up."""
        pumps.type_in(self._channel, terminal.master, process)
        if self._channel.closed:
            signal_group(process, signal.SIGHUP)

    def _close(self) -> None:
        if self._terminal is not None:
            self._terminal.close()
        self._channel.close()

    def _answer(self, send: Callable[[], None]) -> None:
        try:
            send()
        except (OSError, EOFError, paramiko.SSHException):  # the client has gone: nobody to tell
            pass


def send_end(channel: paramiko.Channel, returncode: int) -> None:
    """``exit-status``, or ``exit-signal`` with the signal's name (RFC 4254, 6.10)."""
    if returncode >= 0:
        channel.send_exit_status(returncode)
        return
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(signal.Signals(-returncode).name.removeprefix("SIG"))
    message.add_boolean(False)
    message.add_string("")
    message.add_string("")
    # not public; there is no other way to send a request that paramiko does not know
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]


def _thread(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread
