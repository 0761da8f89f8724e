"""An authenticated connection to one host, as the driver uses it (tasks.session.Session)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hostpool.alarms import Alarm
from hostpool.errors import Cancelled, Lost, TaskFailed, Unreachable
from hostpool.messages import Become, Target
from hostpool.ssh.channel import COOKED, RAW, Channel
from hostpool.ssh.exec import Execution
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.mapping import place, unreachable
from hostpool.ssh.stdin import Stdin
from hostpool.ssh.transport import Transport
from hostpool.stop import Stop
from hostpool.tasks.base import Run
from hostpool.tasks.become import Dialogue, NeedsTerminal, wants_terminal
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import END_AFTER, END_OF_TRANSMISSION, Invocation, NeedsShell, invocation

if TYPE_CHECKING:
    from hostpool.ssh.context import SSHContext
    from hostpool.ssh.sftp import SFTP

OPEN_LIMIT = 10.0  # seconds for a channel to open at least: the connect time may be what retries left
_REFUSALS = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
}


class SSHSession:
    """One job at a time."""

    def __init__(
        self, context: SSHContext, target: Target, transport: Transport, heartbeat: Heartbeat
    ) -> None:
        self.target = target
        self.transport = transport
        self.heartbeat = heartbeat
        self.confirm = context.confirm
        self.may_use_shell = target.shell == "sh"
        self._context = context
        self._terminal_to_become = False
        self._lost = False
        self._patience = max(target.connect_timeout, OPEN_LIMIT)
        self._opened_before = False
        self._opens_ahead = False
        self._spare: Channel | None = None

    @property
    def alive(self) -> bool:
        """Lost is sooner told than the reader thread has ended."""
        return self.transport.is_active() and not (self.heartbeat.dead or self._lost)

    def expect_more(self) -> None:
        """From now on the next command's channel is asked for together with a command: that saves it a
        round trip. OpenSSH is known to take it well; appliances may have one channel in all."""
        self._opens_ahead = "OpenSSH" in self.transport.remote_version

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        """See tasks.session.Session. Raises TaskFailed for a request that cannot be carried out here,
        and when nobody else can be become."""
        self.may_use_shell = self.target.shell == "sh" and not request.raw
        become = request.become or self.target.become
        try:
            if become is None or request.raw:
                return self._run(request, self._invocation(request), consumer, stop, None)
            try:
                return self._run_as(become, request, consumer, stop)
            except NeedsTerminal:
                self._terminal_to_become = True
                return self._run_as(become, request, consumer, stop)
        except Lost:
            self._lost = True
            raise
        except EOFError as error:
            self._lost = True
            raise Lost(
                f"connection to {place(self.target)} lost while the command ran: {self.why_gone()}",
                kind="connection_lost",
                host=self.target.name,
                hint="whether it still runs there is not known",
            ) from error

    def dialogue(self, become: Become) -> Dialogue:
        terminal = self._terminal_to_become or wants_terminal(become)
        return Dialogue(become, self.target.name, terminal=terminal)

    def _run_as(self, become: Become, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        dialogue = self.dialogue(become)
        dialogue.terminal = dialogue.terminal or request.tty
        if self.target.shell != "sh":
            raise self._unfit("become needs a POSIX shell on the host (hostpool_shell: none)", "no_shell")
        try:
            call = dialogue.invocation(request)
        except (OSError, ValueError) as error:
            raise self._unfit(str(error), "bad_command") from error
        return self._run(request, call, consumer, stop, dialogue)

    def _run(
        self, request: Run, call: Invocation, consumer: Consumer, stop: Stop, dialogue: Dialogue | None
    ) -> Exit:
        tail = END_OF_TRANSMISSION if request.tty else b""
        stdin = Stdin(call.head, request.stdin, tail, 0.0 if dialogue is None else END_AFTER)
        terminal = COOKED if request.tty else None
        if dialogue is not None and dialogue.terminal and not request.tty:
            terminal = RAW
        try:
            return Execution(self, call, stdin, consumer, stop, terminal, dialogue).run()
        finally:
            stdin.close()

    def close(self) -> None:
        self.heartbeat.close()
        self.transport.close()

    def sftp(self, check: Callable[[], None]) -> SFTP:
        """A connection for files; ``check`` raises to stop it. Raises Unreachable when there is none."""
        from hostpool.ssh.sftp import SFTP

        return SFTP(self, check)

    # -- for executions

    def open_channel(self, stop: Stop | None, wakes: Channel | None = None) -> Channel:
        """A confirmed session channel. ``wakes``: another channel whose waiter hears of this one too.

        Raises Unreachable: no channel is to be had, so nothing was sent.
        """
        if not self.transport.is_active():
            raise self._gone()
        channel = self._take_spare(stop)
        if channel is None:
            channel = self._open(stop)
        self._opened_before = True
        if wakes is not None:
            channel.also_wakes(wakes)
        return channel

    def open_ahead(self) -> None:
        """Asks for the channel of the next command, if there is to be one."""
        if self._opens_ahead and self._spare is None:
            self._spare = self.transport.open("session")

    def _open(self, stop: Stop | None) -> Channel:
        """A host with MaxSessions 1 may refuse once: it counts the last command's channel until it has
        read that we closed it, and what it reads together with our request comes too late."""
        channel = self.transport.open("session")
        try:
            self._await_open(channel, stop)
        except Unreachable:
            if channel.refusal is None or not self._opened_before:
                raise
            channel = self.transport.open("session")
            self._await_open(channel, stop)
        return channel

    def _take_spare(self, stop: Stop | None) -> Channel | None:
        """The channel that was asked for ahead, if the host gave it and has not closed it since."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        try:
            self._await_open(spare, stop)
        except Unreachable:
            if spare.refusal is None:
                raise
            self._opens_ahead = False  # MaxSessions 1
            return None
        except Cancelled:
            self._spare = spare
            raise
        if spare.closed:  # ChannelTimeout
            spare.close()
            return None
        return spare

    def _await_open(self, channel: Channel, stop: Stop | None) -> None:
        unsubscribe = stop.subscribe(channel.poke) if stop is not None else lambda: None
        deadline = time.monotonic() + self._patience
        try:
            while not channel.opened:
                channel.wait(max(0.0, deadline - time.monotonic()))
                self._check_open(channel, deadline, stop)
        finally:
            unsubscribe()

    def _check_open(self, channel: Channel, deadline: float, stop: Stop | None) -> None:
        if channel.opened:
            return
        if channel.dead:
            raise self._gone()
        if channel.refusal is not None:
            code, text = channel.refusal
            raise unreachable(
                self.target,
                "session_refused",
                f"{place(self.target)} opens no session: {text or _REFUSALS.get(code, f'code {code}')}",
                "MaxSessions of its sshd is used up, or the account may only forward",
            )
        if time.monotonic() >= deadline:
            self.transport.kill()
            raise unreachable(
                self.target,
                "session_timeout",
                f"{place(self.target)} let us in but opened no session within {self._patience:.3g} s",
                "an overloaded or hanging host",
                retryable=True,
            )
        if stop is not None and stop.reason is not None:
            raise Cancelled("stopped before the command was sent", host=self.target.name)

    def end_by(self, moment: float) -> Alarm:
        """Ends the connection at that moment of the monotonic clock, whoever may be stuck in it."""
        return self._context.alarms.at(moment, self.transport.kill)

    def why_gone(self) -> str:
        if self.heartbeat.dead:
            return f"no sign of life for {self.target.alive_interval * self.target.alive_count:g} s"
        if self.transport.disconnect is not None:
            return f"it said {self.transport.disconnect[1]!r}"
        failure = self.transport.failure()
        if failure is None or isinstance(failure, EOFError):
            return "the host closed it"
        return str(failure) or type(failure).__name__

    def _gone(self) -> Exception:
        return unreachable(
            self.target,
            "disconnected",
            f"the connection to {place(self.target)} is gone: {self.why_gone()}",
            retryable=True,
        )

    def _invocation(self, request: Run) -> Invocation:
        try:
            return invocation(request, shell=self.target.shell == "sh")
        except NeedsShell as error:
            raise self._unfit(str(error), "no_shell") from error
        except ValueError as error:
            raise self._unfit(str(error), "bad_command") from error

    def _unfit(self, why: str, kind: str) -> TaskFailed:
        return TaskFailed(why, kind=kind, host=self.target.name, hint="nothing was sent")
