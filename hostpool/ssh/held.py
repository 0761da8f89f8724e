"""A shell that waits after a query for the program which follows from its answer.

So a change needs no channel, login shell and sudo of its own, nor the round trips they take. Its program
comes with the query, since what a shell reads from a pipe with more after it costs a system call a byte; its
arguments come over the standard input, which stays open for them. What is no shell of ours may wait for its
end for ever: who has not answered within PATIENCE gets it, and the change has a channel of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from hostpool.messages import Become
from hostpool.ssh.channel import Channel
from hostpool.ssh.exec import Execution
from hostpool.ssh.kept import KeptShell, Query
from hostpool.ssh.kill import Killer
from hostpool.ssh.stdin import Stdin
from hostpool.stop import Stop
from hostpool.tasks.base import Run
from hostpool.tasks.become import Dialogue
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import END_AFTER, READ_AND_RUN, Invocation, encode, one_line, program_of

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

PATIENCE = 3.0
"""Seconds for an answer."""
LEAVING = 2.0
"""Seconds for one to end that is not needed any more."""

# Read as a whole before any of it is run. What echoes it does not print the mark.
_FIRST = f"""{{{{ hostpool_more() {{{{
{{more}}
}}}}
(
{{program}}
) </dev/null
printf '%s%s %s\\n' '{{one}}' '{{two}}' "$?"; printf '%s%s\\n' '{{one}}' '{{two}}' >&2
{READ_AND_RUN}; exit; }}}}
"""


class HeldShell(KeptShell):
    """``more``: the program that it is told of. ``ended``: its standard input is, so it does not wait."""

    def __init__(self, channel: Channel, dialogue: Dialogue | None, more: str) -> None:
        super().__init__(channel, dialogue)
        self.more = more
        self.ended = False

    def words(self, program: str) -> tuple[bytes, bytes]:
        half = len(self._token) // 2
        text = _FIRST.format(program=program, more=self.more, one=self._token[:half], two=self._token[half:])
        return encode(text), self._token.encode()

    @property
    def become(self) -> Become | None:
        return None if self.dialogue is None else self.dialogue.become

    @property
    def waits(self) -> bool:
        return self.alive and not self.ended

    def dismiss(self) -> None:
        """Nothing follows. Where a host has one session at a time the next begins when this one has ended."""
        self.channel.send_eof()
        until = time.monotonic() + LEAVING
        while self.alive and (left := until - time.monotonic()) > 0:
            self.channel.wait(left)
        self.leave()


class FirstQuery(Query):
    """The one before a shell waits. Use once."""

    _shell: HeldShell
    _sent_at = 0.0

    def _send(self, channel: Channel) -> None:
        super()._send(channel)
        if self._shell.ended or (self.dialogue is not None and not self.dialogue.open):
            return
        now = time.monotonic()
        self._sent_at = self._sent_at or now
        if self.stop.reason is not None or now >= self._sent_at + PATIENCE:
            self._shell.ended = True
            channel.send_eof()

    def waiting(self) -> HeldShell | None:
        """Its shell, if it does wait; after :meth:`run`."""
        if self._shell.waits:
            return self._shell
        self._shell.leave()
        return None

    def _patience(self, killer: Killer) -> float:
        seconds = super()._patience(killer)
        if self._sent_at and not self._shell.ended:
            seconds = min(seconds, self._sent_at + PATIENCE - time.monotonic())
        return max(0.0, seconds)


class Following(Execution):
    """Runs one more program in the shell that waits, to its end. Use once."""

    def __init__(
        self, session: SSHSession, shell: HeldShell, request: Run, consumer: Consumer, stop: Stop
    ) -> None:
        """Raises ValueError for what no shell can take."""
        if request.program == shell.more:
            request = msgspec.structs.replace(request, program='hostpool_more "$@"')
        head = encode(one_line(program_of(request))) + b"\n"
        stdin = Stdin(head, request.stdin, b"", 0.0 if shell.dialogue is None else END_AFTER)
        super().__init__(session, Invocation(b""), stdin, consumer, stop, None, shell.dialogue)
        self._shell = shell

    def run(self) -> Exit:
        """Raises Lost."""
        channel = self._shell.channel
        unsubscribe = self.stop.subscribe(channel.poke)
        killer = Killer(self.session, channel, self.stop, self.dialogue)
        try:
            self._send(channel)
            return self._follow(channel, killer)
        finally:
            unsubscribe()
            killer.close()
            channel.close()
            self.stdin.close()
