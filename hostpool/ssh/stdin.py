"""Standard input over a channel, sent as fast as the host takes it and never waiting for it."""

from __future__ import annotations

from hostpool.ssh.channel import Channel
from hostpool.tasks import stdin


class Stdin(stdin.Stdin):
    """After the last byte comes the end of file, once."""

    _ended = False
    _unread = "nothing was sent"

    def pump(self, channel: Channel) -> None:
        """Sends what the channel takes now; when ``due`` there is more."""
        while not self._ended:
            piece = self.peek()
            if not piece:
                if self.due is None:
                    channel.send_eof()
                    self._ended = True
                return
            sent = channel.send(piece)
            if not sent:
                return
            self.advance(sent)
