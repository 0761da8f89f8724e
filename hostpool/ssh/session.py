"""An authenticated connection to one host, as the driver uses it (tasks.session.Session)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hostpool.alarms import Alarm
from hostpool.errors import Lost, TaskFailed
from hostpool.messages import Become, Target
from hostpool.ssh.channel import COOKED, RAW, Channel
from hostpool.ssh.channels import Channels
from hostpool.ssh.exec import Execution
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.mapping import place, unreachable
from hostpool.ssh.queries import Queries
from hostpool.ssh.stdin import Stdin
from hostpool.ssh.transport import Transport
from hostpool.stop import Stop
from hostpool.tasks.base import Run
from hostpool.tasks.become import Dialogue, NeedsTerminal, wants_terminal
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import (
    END_AFTER,
    END_OF_TRANSMISSION,
    Invocation,
    NeedsShell,
    invocation,
)

if TYPE_CHECKING:
    from hostpool.ssh.context import SSHContext
    from hostpool.ssh.sftp import SFTP


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
        self.terminal_to_become = False
        self._lost = False
        self.channels = Channels(self)
        self.queries = Queries(self)

    @property
    def alive(self) -> bool:
        """Lost is sooner told than the reader thread has ended."""
        return self.transport.is_active() and not (self.heartbeat.dead or self._lost)

    def expect_more(self) -> None:
        """From now on the next command's channel is asked for together with a command: that saves it a
        round trip. OpenSSH is known to take it well; appliances may have one channel in all."""
        self.queries.may_hold = False
        self.channels.ahead = "OpenSSH" in self.transport.remote_version

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        """See tasks.session.Session. Raises TaskFailed for a request that cannot be carried out here,
        and when nobody else can be become."""
        self.may_use_shell = self.target.shell == "sh" and not request.raw
        become = request.become or self.target.become
        try:
            if (end := self.queries.run(request, become, consumer, stop)) is not None:
                return end
            if become is None or request.raw:
                return self._run(request, self._invocation(request), consumer, stop, None)
            try:
                return self._run_as(become, request, consumer, stop)
            except NeedsTerminal:
                self.terminal_to_become = True
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
        terminal = self.terminal_to_become or wants_terminal(become)
        return Dialogue(become, self.target.name, terminal=terminal)

    def _run_as(self, become: Become, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        dialogue = self.dialogue(become)
        dialogue.terminal = dialogue.terminal or request.tty
        if self.target.shell != "sh":
            raise self.unfit("become needs a POSIX shell on the host (hostpool_shell: none)", "no_shell")
        try:
            call = dialogue.invocation(request)
        except (OSError, ValueError) as error:
            raise self.unfit(str(error), "bad_command") from error
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

        self.queries.dismiss()
        return SFTP(self, check)

    # -- for executions

    def prepare(self, channel: Channel) -> None:
        """What comes before the command: its environment, and the agent."""
        for name, value in self.target.set_env:
            channel.request("env", name.encode(), value.encode(), reply=False)
        if self.target.forward_agent:
            channel.request("auth-agent-req@openssh.com", reply=False)

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

    def gone(self) -> Exception:
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
            raise self.unfit(str(error), "no_shell") from error
        except ValueError as error:
            raise self.unfit(str(error), "bad_command") from error

    def unfit(self, why: str, kind: str) -> TaskFailed:
        return TaskFailed(why, kind=kind, host=self.target.name, hint="nothing was sent")
