"""A shell that stays for a host's queries: each takes one round trip, and no login shell of its own.

Only programs that change nothing are run here, each in a subshell: what a change leaves running (a
daemon that holds its output) would get mixed with later answers, and a query can be asked again. The
shell is the login user's or root's, and stands in /: it keeps no account and no file system in use.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from hostpool.events import Stream
from hostpool.ssh.channel import Channel
from hostpool.ssh.exec import Execution
from hostpool.ssh.kill import Killer
from hostpool.ssh.stdin import Stdin
from hostpool.stop import Stop
from hostpool.tasks.become import Dialogue
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
    """``dialogue``: how it became root, None for the login user's own."""

    def __init__(self, channel: Channel, dialogue: Dialogue | None) -> None:
        self.channel = channel
        self.dialogue = dialogue
        self._left = False
        self._token = secrets.token_hex(8)
        self._count = 0

    @property
    def alive(self) -> bool:
        return not (self._left or self.channel.exited or self.channel.dead)

    def leave(self) -> None:
        """It is in the middle of something, or a signal is on its way to it."""
        self._left = True
        self.channel.close()

    def words(self, program: str) -> tuple[bytes, bytes]:
        """What to send for the next program, and the mark that its output ends with. ValueError for NUL."""
        if "\0" in program:
            raise ValueError("a NUL character cannot be passed to a shell")
        before = "" if self._count else _START
        self._count += 1
        mark = f"{self._token}.{self._count}"
        return encode(before + _ONE.format(program=program, mark=mark)), mark.encode()


class Query(Execution):
    """Runs one program in a kept shell. Use once."""

    def __init__(
        self, session: SSHSession, shell: KeptShell, program: str, consumer: Consumer, stop: Stop
    ) -> None:
        head, mark = shell.words(program)
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
        return all(end.line is not None for end in self._ends.values())

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
        line = self._ends["stdout"].line
        if line is None or not line.strip().isdigit():
            return super()._exit(channel, killer)
        return Exit(exit_code=int(line), stopped=self.stop.reason if killer.began else None)


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
