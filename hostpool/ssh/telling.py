"""A question to the perl in a kept shell (ssh.teller), from its words to the answer."""

from __future__ import annotations

from hostpool.events import Stream
from hostpool.ssh.channel import Channel
from hostpool.ssh.kept import Query
from hostpool.ssh.kill import Killer
from hostpool.ssh.teller import AGAIN, TOLD
from hostpool.sync.listing import hostile
from hostpool.tasks.session import Consumer, Exit

ANSWER = 64 << 20
"""Bytes that all answers to one question may have: a module reads files up to 16 MiB."""


class Telling(Query):
    """Has one question answered by the perl in a kept shell, wholly or not at all. Use once.

    ``in_vain``: it was not, and has to be asked by sh.
    """

    in_vain = False

    def run(self) -> Exit:
        taker, self.consumer = self.consumer, _Waiting()
        end = super().run()
        self.in_vain = self.gone or self._said[0] == AGAIN
        if not self.in_vain:
            self.consumer.pass_on(taker)
        return end

    @property
    def _answered(self) -> bool:
        return self._said[0] in (TOLD, AGAIN) or super()._answered

    def _exit(self, channel: Channel, killer: Killer) -> Exit:
        said, *_ = self._said
        if said in (TOLD, AGAIN):
            return Exit(exit_code=0, stopped=self.stop.reason if killer.began else None)
        if not killer.began:
            self._shell.teller.unable()
        return super()._exit(channel, killer)


class _Waiting:
    """A consumer that hands on later what it got. Raises TaskFailed for more than a question may bring."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Stream, bytes]] = []
        self._room = ANSWER

    def feed(self, stream: Stream, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise hostile("it sends more than it was asked for")
        self._pieces.append((stream, data))

    def pass_on(self, consumer: Consumer) -> None:
        for stream, data in self._pieces:
            consumer.feed(stream, data)
