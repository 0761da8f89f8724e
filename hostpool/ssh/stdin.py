"""Standard input over a channel, sent as fast as the host takes it and never waiting for it."""

from __future__ import annotations

from hostpool.ssh.channel import Channel
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

    def pump(self, channel: Channel) -> None:
        """Sends what the channel takes now; when ``due`` there is more."""
        while not self._ended:
            piece = self.peek()
            if not piece:
                if self.due is None:
                    if self._ends:
                        channel.send_eof()
                    self._ended = True
                return
            sent = channel.send(piece)
            if not sent:
                return
            self.advance(sent)
