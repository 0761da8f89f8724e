"""The session protocol of tasks.session on a child process of ours."""

from __future__ import annotations

import os
import pwd
import subprocess
import threading
from collections.abc import Callable
from typing import NoReturn

from hostpool.errors import Cancelled, HostError, TaskFailed, Unreachable
from hostpool.events import Stream
from hostpool.local.execution import Command, Execution, Terminal
from hostpool.local.group import CONFIRM
from hostpool.messages import Become, Target
from hostpool.stop import Stop
from hostpool.tasks.base import Run
from hostpool.tasks.become import Dialogue, NeedsTerminal, wants_terminal
from hostpool.tasks.ending import ending
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import END_AFTER, END_OF_TRANSMISSION, Invocation, NeedsShell, invocation
from hostpool.tasks.stdin import Stdin

LOGIN = 3.0  # PAM, on a machine that may be busy


class LocalSession:
    """Commands run in our user's login shell, in our environment and directory."""

    def __init__(self, target: Target, *, login: float = LOGIN) -> None:
        """``login``: seconds that becoming another user may take before it ends something of theirs."""
        self.target = target
        self._login = login
        self._terminal_to_become = False

    @property
    def alive(self) -> bool:
        return True

    def expect_more(self) -> None:
        """Nothing has to be waited for here."""

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        """See tasks.session.Session. Raises TaskFailed for a request that cannot be carried out, and
        when nobody else can be become."""
        become = request.become or self.target.become
        if become is None or request.raw:
            return self._run(request, self._invocation(request), consumer, stop, None)
        try:
            return self._run_as(become, request, consumer, stop)
        except NeedsTerminal:
            self._terminal_to_become = True
            return self._run_as(become, request, consumer, stop)

    def _run_as(self, become: Become, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        terminal = self._terminal_to_become or wants_terminal(become) or request.tty
        dialogue = Dialogue(become, self.target.name, terminal=terminal)
        try:
            call = dialogue.invocation(request)
        except (OSError, ValueError) as error:
            raise TaskFailed(str(error), kind="bad_command", host=self.target.name) from error
        return self._run(request, call, consumer, stop, dialogue)

    def _run(
        self, request: Run, call: Invocation, consumer: Consumer, stop: Stop, dialogue: Dialogue | None
    ) -> Exit:
        terminal: Terminal | None = "cooked" if request.tty else None
        if dialogue is not None and dialogue.terminal and not request.tty:
            terminal = "raw"
        tail = END_OF_TRANSMISSION if request.tty else b""
        stdin = Stdin(call.head, request.stdin, tail, 0.0 if dialogue is None else END_AFTER)
        try:
            if stop.reason is not None:
                raise Cancelled("stopped before the command was started", host=self.target.name)
            execution = Execution(_shell_with(call.command), stdin, terminal, dialogue, self._end)
            return execution.run(consumer, stop)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"cannot start {_login_shell()}: {error}",
                kind="no_process",
                host=self.target.name,
                hint="limits on processes or open files (ulimit -u, -n)?",
            ) from error
        finally:
            stdin.close()

    def _end(self, dialogue: Dialogue, grace: float) -> bool:
        """Ends what runs as another user, as that user; whether nothing is left."""
        patience = Stop()
        timer = threading.Timer(grace + self._login + CONFIRM, lambda: patience.request("timeout", 0.0))
        timer.daemon = True
        timer.start()
        try:
            again = Dialogue(dialogue.become, self.target.name, terminal=dialogue.terminal)
            call = again.invocation(ending(dialogue.pid, grace))
            terminal: Terminal | None = "raw" if again.terminal else None
            execution = Execution(_shell_with(call.command), Stdin(call.head, b""), terminal, again, None)
            return execution.run(_Nobody(), patience).exit_code == 0
        except (HostError, NeedsTerminal, OSError, subprocess.SubprocessError):
            return False
        finally:
            timer.cancel()

    def sftp(self, check: Callable[[], None]) -> NoReturn:
        raise Unreachable("this machine is not reached by SFTP", kind="no_sftp", host=self.target.name)

    def close(self) -> None:
        """Nothing is kept between commands."""

    def _invocation(self, request: Run) -> Invocation:
        try:
            return invocation(request, shell=self.target.shell == "sh")
        except NeedsShell as error:
            raise TaskFailed(str(error), kind="no_shell", host=self.target.name) from error
        except ValueError as error:
            raise TaskFailed(str(error), kind="bad_command", host=self.target.name) from error


class _Nobody:
    def feed(self, stream: Stream, data: bytes) -> None:
        """What the program that ends others says is of no use."""


def _shell_with(command: bytes) -> Command:
    shell = _login_shell()
    # As sshd sets it: cron says /bin/sh there, and services nothing.
    return Command((shell, "-c", command), {**os.environ, "SHELL": shell})


def _login_shell() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:  # a user without an entry, as in some containers
        return "/bin/sh"
