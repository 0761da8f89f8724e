"""Standard input over a channel, sent as fast as the host takes it and never waiting for it."""

from __future__ import annotations

from hostpool.ssh.channel import Channel
from hostpool.ssh.pace import Pace
from hostpool.tasks import stdin
from hostpool.tasks.base import FileSource


class Stdin(stdin.Stdin):
    """After the last byte comes the end of file, once; ``ends`` False: it stays open."""

    _unread = "nothing was sent"

    def __init__(
        self,
        head: bytes,
        source: bytes | FileSource,
        tail: bytes = b"",
        delay: float = 0.0,
        *,
        ends: bool = True,
    ) -> None:
        super().__init__(head, source, tail, delay)
        self._ends = ends
        self._ended = False
        self._pace: Pace | None = None

    def pump(self, channel: Channel) -> None:
        """Sends what the channel takes now; at ``look_again`` there may be more."""
        if self._ended:
            return
        if self._pace is None:
            self._pace = Pace(channel)
        room = self._pace.room()
        while not self._ended:
            piece = self.peek()
            if not piece:
                if self.due is None:
                    if self._ends:
                        channel.send_eof()
                    self._ended = True
                return
            sent = channel.send(piece[:room])
            if not sent:
                return
            room -= sent
            self.advance(sent)

    @property
    def look_again(self) -> float | None:
        """The moment of the monotonic clock at which to pump although nothing happened; None: never."""
        if self.due is not None or self._pace is None or self._ended:
            return self.due
        return self._pace.due
