"""Becoming another user on a host: the command line, and the dialogue before the command begins.

The password is sent only after our own prompt was seen, and the command's input only after our own
marker: with NOPASSWD, or a ticket from before, the password would become the command's input.
Nothing here does I/O; a session feeds in what the host says and sends what it is told.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Literal

from hostpool.errors import TaskFailed, excerpt
from hostpool.events import Stream
from hostpool.messages import Become
from hostpool.tasks.base import FileSource, Run
from hostpool.tasks.shell import READ_AND_RUN, Invocation, coded, encode, one_line, prelude, quote

PATIENCE = 30.0
"""Seconds for the dialogue: PAM may be slow, and delays a refusal by two."""

_ASKS = rb"[^\s:][^\n]{0,80}:\s*$"
_WANTS_TERMINAL = rb"(?i)must have a tty|terminal is required|not a tty|must be run from a terminal"
_KEPT = 8192


class NeedsTerminal(Exception):
    """The host lets nobody become another user without a terminal; nothing was run."""


def wants_terminal(become: Become) -> bool:
    """Whether a terminal is needed from the start: su and doas read passwords from nothing else."""
    return become.method != "sudo" and become.password is not None


class Dialogue:
    """One attempt to become. ``take`` what comes, send what ``reply`` gives, until ``open``.

    ``pid`` is then that of the shell which runs the command, as the other user.
    """

    def __init__(self, become: Become, host: str, *, terminal: bool) -> None:
        self.become = become
        self.terminal = terminal
        self.open = False
        self.pid: int | None = None
        self._host = host
        self._token = secrets.token_hex(8)
        self._said = b""
        self._prompted = 0
        self._answered = 0
        self._deadline = time.monotonic() + PATIENCE

    @property
    def due(self) -> float:
        """The moment of the monotonic clock at which :meth:`reply` gives up."""
        return self._deadline

    def invocation(self, request: Run) -> Invocation:
        """Raises OSError for a source that cannot be read, ValueError for what no shell can take."""
        before = prelude(request.env, request.chdir)
        if request.program is None:
            program = before + request.command
        else:
            args = " ".join(quote(arg) for arg in request.args)
            program = f"{before}set -- {args}\n{request.program}"
        if request.tty:
            script = f'echo {self._token} $$; eval "$(printf %b "$1")"'
            return Invocation(encode(f"exec {self._command(script)} hostpool '{coded(program)}'"))
        if self.terminal:
            # Our terminal is raw, so it has no end of file.
            size = _size_of(request.stdin)
            program = f"head -c {size} | (\n{program}\n)" if size else f"exec </dev/null\n{program}"
        script = f"echo {self._token} $$ >&2; {READ_AND_RUN}"
        return Invocation(encode(f"exec {self._command(script)}"), encode(one_line(program)) + b"\n")

    def shell(self) -> Invocation:
        """A shell that stays, and reads programs from its standard input. Not for terminals."""
        return Invocation(encode(f"exec {self._command(f'echo {self._token} $$ >&2; exec /bin/sh')}"))

    def take(self, stream: Stream, data: bytes) -> bytes:
        """What of a piece of output belongs to the command."""
        if self.open or (stream == "stdout" and not self.terminal):
            return data
        self._said = (self._said + data)[-_KEPT:]
        before, marker, after = self._said.partition(self._token.encode() + b" ")
        line, newline, rest = after.partition(b"\n")
        if marker and newline and line.strip().isdigit():
            self.open = True
            self.pid = int(line)
            return rest
        if not marker and self._is_prompt(before):
            self._prompted += 1
        return b""

    def reply(self) -> bytes | None:
        """What to send now, None for nothing. Raises TaskFailed when this cannot succeed any more."""
        if self._prompted > 1:
            raise self._failed("become_password", f"{self.become.method} refused the password of {self._who}")
        if self._prompted > self._answered:
            self._answered += 1
            if self.become.password is None:
                raise self._failed("become_refused", f"{self.become.method} asks for a password")
            return self.become.password.reveal().encode() + b"\n"
        if time.monotonic() >= self._deadline:
            raise self._failed(
                "become_timeout", f"{self.become.method} neither let us in nor refused within {PATIENCE:g} s"
            )
        return None

    def ended(self) -> Exception:
        """What it means that the program ended before the command began."""
        if re.search(_WANTS_TERMINAL, self._said) and not self.terminal:
            return NeedsTerminal()
        if self._answered:
            return self._failed(
                "become_password", f"{self.become.method} refused the password of {self._who}"
            )
        return self._failed("become_refused", f"{self.become.method} to {self.become.user} was refused")

    # -- how

    @property
    def _who(self) -> str:
        return "the target user" if self.become.method == "su" else "the login user"

    @property
    def _rule(self) -> str:
        if self.become.method != "sudo":
            return ""
        return (
            f", or sudoers has to allow the login /bin/sh: `LOGIN ALL=({self.become.user}) NOPASSWD: /bin/sh`"
        )

    def _command(self, script: str) -> str:
        """No single quote may stand in ``script``: it goes between two, for whatever login shell."""
        become = self.become
        flags = f" {become.flags}" if become.flags else ""
        if become.method == "su":
            return f"su{flags} -s /bin/sh -c '{script}' {quote(become.user)}"
        if become.method == "doas":
            ask = "" if become.password is not None else " -n"
            return f"doas{flags}{ask} -u {quote(become.user)} /bin/sh -c '{script}'"
        ask = "-n"
        if become.password is not None:
            ask = f"-p '{self._prompt}'" if self.terminal else f"-S -p '{self._prompt}'"
        return f"sudo{flags or ' -H'} {ask} -u {quote(become.user)} -- /bin/sh -c '{script}'"

    @property
    def _prompt(self) -> str:
        return f"[{self._token[::-1]}] password: "

    def _is_prompt(self, said: bytes) -> bool:
        """A prompt that has not been counted yet. Those of su and doas cannot be chosen: any line
        without an end that asks for something."""
        if self.become.method == "sudo":
            return said.count(self._token[::-1].encode()) > self._prompted
        if not re.search(_ASKS, said):
            return False
        self._said = b""
        return True

    def _failed(
        self, kind: Literal["become_password", "become_refused", "become_timeout"], what: str
    ) -> TaskFailed:
        words = self._said.replace(self._prompt.encode(), b"").decode("utf-8", "replace").split("\n")
        told = excerpt(" ".join(word.strip() for word in words if word.strip()), 300, end=True)
        hints = {
            "become_password": "nothing was run; another try may lock the account (-K asks for the password)",
            "become_refused": f"nothing was run; -K asks for a password{self._rule}",
            "become_timeout": "nothing was run; a second factor, or a prompt we do not know",
        }
        return TaskFailed(f"{what}: {told}" if told else what, kind=kind, hint=hints[kind], host=self._host)


def _size_of(source: bytes | FileSource) -> int:
    if not isinstance(source, FileSource):
        return len(source)
    size = 0
    reading = source.open()
    try:
        while piece := reading.read(1 << 20):
            size += len(piece)
    finally:
        reading.close()
    return size
