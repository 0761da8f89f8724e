"""The session protocol of tasks.session on a child process of ours."""

from __future__ import annotations

import os
import pwd
import subprocess

from hostpool.errors import Cancelled, TaskFailed, Unreachable
from hostpool.local.execution import Execution
from hostpool.local.stdin import open_stdin
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.tasks.base import Run
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import Invocation, NeedsShell, invocation


class LocalSession:
    """Commands run in our user's login shell, in our environment and directory."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @property
    def alive(self) -> bool:
        return True

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        """See tasks.session.Session. Raises TaskFailed for a request that cannot be carried out."""
        call = self._invocation(request)
        stdin = open_stdin(call.head, request.stdin)
        try:
            if stop.reason is not None:
                raise Cancelled("stopped before the command was started", host=self.target.name)
            try:
                return Execution([_login_shell(), "-c", call.command], stdin, request.tty).run(consumer, stop)
            except (OSError, subprocess.SubprocessError) as error:
                raise Unreachable(
                    f"cannot start {_login_shell()}: {error}",
                    kind="no_process",
                    host=self.target.name,
                    hint="limits on processes or open files (ulimit -u, -n)?",
                ) from error
        finally:
            stdin.close()

    def close(self) -> None:
        """Nothing is kept between commands."""

    def _invocation(self, request: Run) -> Invocation:
        try:
            return invocation(request, shell=self.target.shell == "sh")
        except NeedsShell as error:
            raise TaskFailed(str(error), kind="no_shell", host=self.target.name) from error
        except ValueError as error:
            raise TaskFailed(str(error), kind="bad_command", host=self.target.name) from error


def _login_shell() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:  # a user without an entry, as in some containers
        return "/bin/sh"
