"""How far ahead of the program that reads it standard input is sent.

OpenSSH's server takes 2 MiB that its program has not read yet, but its buffer for them grows by a packet
at a time and is copied each time (sshbuf.c): filling it costs a host up to 0.15 s of CPU. So it gets what
keeps the program busy and no more.
"""

from __future__ import annotations

import time

from hostpool.ssh.channel import Channel

PACKET = 32 * 1024 - 64
"""Bytes of standard input in a full packet to OpenSSH."""
_NEAR = 16 * PACKET
"""For a host nearby: its server asks for more only when it has more than three packets (channels.c)."""
_STEP = 8 * PACKET
_RATE = 125_000_000
"""Bytes a second that a host further away is to get, if it can: as many are on their way to it."""
_TRIAL = 24 << 20
"""Bytes after which twice as much is tried, and kept while it is faster: TCP's peer may be a relay."""
_FASTER = 1.25
_RELAYED = 0.04
"""Seconds for a channel to open above which it is such a relay, or a host so busy that it hardly matters."""
_PATIENCE = 1.0
"""Seconds without a word after which the whole window is used, in case its server is none of OpenSSH's."""


class Pace:
    """Of one channel. ``due``: the moment of the monotonic clock at which :meth:`room` may find some
    although nothing came from the host; None when it is not waiting."""

    def __init__(self, channel: Channel) -> None:
        self.due: float | None = None
        self._channel = channel
        self._window = 0
        self._seen = 0
        self._sent = 0
        self._since = time.monotonic()
        self._rate = 0.0
        transport = channel.transport
        self._paced = "OpenSSH" in transport.remote_version
        trip = transport.wire.round_trip()
        if not trip or channel.round_trip > _RELAYED:
            trip = channel.round_trip
        self._most = max(_NEAR, int(trip * _RATE))

    def room(self) -> int:
        """Bytes to send now: none, or as many as are worth a host's while."""
        now = self._channel.window_out
        self._window = max(self._window, now)
        most = min(self._most, self._window)
        if not self._paced or not now or most == self._window:
            return now
        room = now - (self._window - most)
        if room >= min(_STEP, most // 2):
            self.due = None
            self._sent += room
            if self._sent >= _TRIAL:
                self._try_more()
            return room
        return self._wait(now, self._window - most + min(_STEP, most // 2))

    def _wait(self, now: int, until: int) -> int:
        self._channel.wanted = until
        moment = time.monotonic()
        if self.due is None or now != self._seen:
            self.due, self._seen = moment + _PATIENCE, now
        elif moment >= self.due:
            self.due, self._paced, self._channel.wanted = None, False, 1
            return now
        return 0

    def _try_more(self) -> None:
        moment = time.monotonic()
        rate = self._sent / max(moment - self._since, 1e-6)
        self._sent, self._since = 0, moment
        if rate >= _FASTER * self._rate:
            self._rate, self._most = rate, 2 * self._most
        else:
            self._rate, self._most = float("inf"), max(_NEAR, self._most // 2)
