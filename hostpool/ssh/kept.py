"""A shell that stays for a host's queries: each takes one round trip, and no login shell of its own.

Only programs that change nothing are run here, each in a subshell: what a change leaves running (a
daemon that holds its output) would get mixed with later answers, and a query can be asked again. The
shell is the login user's or root's, and stands in /: it keeps no account and no file system in use.
Where the host has perl, one of those answers what it can (ssh.teller).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hostpool.events import Stream
from hostpool.ssh.channel import Channel
from hostpool.ssh.exec import Execution
from hostpool.ssh.kill import Killer
from hostpool.ssh.stdin import Stdin
from hostpool.ssh.teller import GONE, Teller
from hostpool.stop import Stop
from hostpool.tasks.become import Dialogue
from hostpool.tasks.perl import Call
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import Invocation, encode

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

# A stop's TERM is for the program; the shell then says how that ended.
_START = "hostpool=$PWD; cd /; trap : TERM\n"
_ONE = """(cd "$hostpool" 2>/dev/null
{program}
) </dev/null; printf '{mark} %s\\n' "$?"; printf '{mark}\\n' >&2
"""


class KeptShell:
    """``dialogue``: how it became root, None for the login user's own. ``perl``: whether one may be tried."""

    def __init__(self, channel: Channel, dialogue: Dialogue | None, *, perl: bool = True) -> None:
        self.channel = channel
        self.dialogue = dialogue
        self.teller = Teller(perl)
        self._left = False
        self._began = False
        self._token = secrets.token_hex(8)

    @property
    def alive(self) -> bool:
        return not (self._left or self.channel.exited or self.channel.dead)

    def leave(self) -> None:
        """It is in the middle of something, or a signal is on its way to it."""
        self._left = True
        self.channel.close()

    def words(self, program: str) -> tuple[bytes, bytes]:
        """What to send for the next program (without NUL), and the mark that its output ends with."""
        away = self.teller.leaving()
        return away + encode(self._beginning() + self._one(program)), self._token.encode()

    def question(self, program: str, calls: Sequence[Call]) -> tuple[bytes, bytes]:
        """The same for a program that has another form."""
        return encode(self._beginning()) + self.teller.question(
            calls, self._token, self._one(program)
        ), self._token.encode()

    def _beginning(self) -> str:
        began, self._began = self._began, True
        return "" if began else _START

    def _one(self, program: str) -> str:
        return _ONE.format(program=program, mark=self._token)


class Query(Execution):
    """Runs one program in a kept shell: ``words`` are that shell's. Use once.

    ``gone``: the shell was, so it was not run.
    """

    gone = False

    def __init__(
        self,
        session: SSHSession,
        shell: KeptShell,
        words: tuple[bytes, bytes],
        consumer: Consumer,
        stop: Stop,
    ) -> None:
        head, mark = words
        super().__init__(
            session, Invocation(b""), Stdin(head, b"", ends=False), consumer, stop, None, shell.dialogue
        )
        self.delivered = False
        self._shell = shell
        self._ends: dict[Stream, End] = {"stdout": End(mark), "stderr": End(mark)}

    def run(self) -> Exit:
        """Raises Unreachable or Lost. A shell that ends with its program is that program's end."""
        channel = self._shell.channel
        unsubscribe = self.stop.subscribe(channel.poke)
        killer = Killer(self.session, channel, self.stop, self.dialogue)
        try:
            self._send(channel)
            return self._follow(channel, killer)
        finally:
            unsubscribe()
            killer.close()
            if killer.began or not self._answered:
                self._shell.leave()

    @property
    def _answered(self) -> bool:
        return self._said[0] == GONE or all(end.line is not None for end in self._ends.values())

    @property
    def _said(self) -> list[bytes]:
        """The words that follow the mark."""
        return (self._ends["stdout"].line or b"").split() or [b""]

    def _deliver(self, stream: Stream, data: bytes) -> None:
        if self.dialogue is not None:
            data = self.dialogue.take(stream, data)
        data = self._ends[stream].take(data)
        if data:
            self.delivered = True
            self.consumer.feed(stream, data)

    def _send(self, channel: Channel) -> None:
        if self.stop.reason is not None:
            channel.send_eof()  # the shell ends with the program, and that is what is waited for
        else:
            super()._send(channel)

    def _over(self, channel: Channel) -> bool:
        return self._answered or super()._over(channel)

    def _exit(self, channel: Channel, killer: Killer) -> Exit:
        said, *_ = self._said
        stopped = self.stop.reason if killer.began else None
        if said == GONE:  # perl has died, and the shell with it
            self.gone = True
            self._shell.leave()
            return Exit(exit_code=None, stopped=stopped)
        if not said.isdigit():
            return super()._exit(channel, killer)
        return Exit(exit_code=int(said), stopped=stopped)


class End:
    """Finds the mark that ends a program's output, in pieces as they come. ``line`` is what follows it
    up to the newline, None until then."""

    def __init__(self, mark: bytes) -> None:
        self.line: bytes | None = None
        self._mark = mark
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """What of a piece belongs to the program's output."""
        if self.line is not None:
            return b""
        data = self._held + data
        output, mark, after = data.partition(self._mark)
        if mark:
            line, newline, _ = after.partition(b"\n")
            self._held = mark + after
            self.line = line if newline else None
            return output
        kept = self._beginning(data)
        self._held = data[len(data) - kept :]
        return data[: len(data) - kept]

    def _beginning(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` may be the beginning of the mark."""
        for size in range(min(len(data), len(self._mark) - 1), 0, -1):
            if data.endswith(self._mark[:size]):
                return size
        return 0
