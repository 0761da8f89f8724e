"""A slow link that counts how often it was waited for."""

from __future__ import annotations

from typing import Self

from tests.farm.proxy import Proxy

_ALONE = 48
"""Bytes of an encrypted message without content (CHANNEL_CLOSE, EOF): nobody waits for an answer to it."""


class Trips(Proxy):
    """As :class:`Proxy`. ``trips``: how often a client said something after it had heard something, over all
    connections. More may be counted than were waited for, when the server's words come in pieces; never
    fewer, so a least value over several tries is what the protocol needs."""

    def __init__(self, address: str, port: int, *, delay: float = 0.02) -> None:
        self.trips = 0
        self._heard = True
        super().__init__(address, port, delay=delay)

    def __enter__(self) -> Self:
        return self

    def _count(self, way: str, size: int) -> None:
        super()._count(way, size)
        with self._lock:
            if way == "down":
                self._heard = True
            elif self._heard and size > _ALONE:
                self._heard = False
                self.trips += 1
