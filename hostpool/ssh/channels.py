"""The channels of one connection: opened when wanted, or asked for one command ahead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Become
from hostpool.ssh.channel import Channel
from hostpool.ssh.kept import KeptShell
from hostpool.ssh.mapping import place, unreachable
from hostpool.stop import Stop

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

OPEN_LIMIT = 10.0  # seconds for a channel to open at least: the connect time may be what retries left
LEAVING = 2.0  # seconds for idle shells to end
_REFUSALS = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
}


class Channels:
    """``ahead``: whether the host is known to take it well when more than one is asked for; it becomes
    False for good with the first refusal. ``shells``: those that stay, which have to give way to others."""

    def __init__(self, session: SSHSession) -> None:
        self.ahead = False
        self.shells: dict[Become | None, KeptShell] = {}
        self._session = session
        self._patience = max(session.target.connect_timeout, OPEN_LIMIT)
        self._opened_before = False
        self._spare: Channel | None = None

    def open(self, stop: Stop | None, wakes: Channel | None = None) -> Channel:
        """A confirmed session channel. ``wakes``: another channel whose waiter hears of this one too.

        Raises Unreachable: no channel is to be had, so nothing was sent.
        """
        if not self._session.transport.is_active():
            raise self._session.gone()
        channel = self._take_spare(stop)
        if channel is None:
            channel = self._open(stop)
        self._opened_before = True
        if wakes is not None:
            channel.also_wakes(wakes)
        return channel

    def open_ahead(self) -> None:
        """Asks for the channel of the next command, if there is to be one."""
        if self.ahead and self._spare is None:
            self._spare = self._session.transport.open("session")

    def _open(self, stop: Stop | None) -> Channel:
        """A host with MaxSessions 1 may refuse once: it counts the last command's channel until it has
        read that we closed it, and what it reads together with our request comes too late."""
        again = 2 if self.shells else 1
        while True:
            channel = self._session.transport.open("session")
            try:
                self._await_open(channel, stop)
                return channel
            except Unreachable:
                if channel.refusal is None or not self._opened_before or not again:
                    raise
            again -= 1
            self._leave_shells()

    def _take_spare(self, stop: Stop | None) -> Channel | None:
        """The channel that was asked for ahead, if the host gave it and has not closed it since."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        try:
            self._await_open(spare, stop)
        except Unreachable:
            if spare.refusal is None:
                raise
            self.ahead = False  # MaxSessions 1
            return None
        except Cancelled:
            self._spare = spare
            raise
        if spare.closed:  # ChannelTimeout
            spare.close()
            return None
        return spare

    def _await_open(self, channel: Channel, stop: Stop | None) -> None:
        unsubscribe = stop.subscribe(channel.poke) if stop is not None else lambda: None
        deadline = time.monotonic() + self._patience
        try:
            while not channel.opened:
                channel.wait(max(0.0, deadline - time.monotonic()))
                self._check_open(channel, deadline, stop)
        finally:
            unsubscribe()

    def _check_open(self, channel: Channel, deadline: float, stop: Stop | None) -> None:
        if channel.opened:
            return
        target = self._session.target
        if channel.dead:
            raise self._session.gone()
        if channel.refusal is not None:
            code, text = channel.refusal
            raise unreachable(
                target,
                "session_refused",
                f"{place(target)} opens no session: {text or _REFUSALS.get(code, f'code {code}')}",
                "MaxSessions of its sshd is used up, or the account may only forward",
            )
        if time.monotonic() >= deadline:
            self._session.transport.kill()
            raise unreachable(
                target,
                "session_timeout",
                f"{place(target)} let us in but opened no session within {self._patience:.3g} s",
                "an overloaded or hanging host",
                retryable=True,
            )
        if stop is not None and stop.reason is not None:
            raise Cancelled("stopped before the command was sent", host=target.name)

    def _leave_shells(self) -> None:
        """The channels of shells that stay are wanted for something else. They are free when their
        shells have ended, which they do at the end of their input."""
        self.ahead = False
        kept, self.shells = list(self.shells.values()), {}
        deadline = time.monotonic() + LEAVING
        for shell in kept:
            shell.channel.send_eof()
        for shell in kept:
            while shell.alive and (left := deadline - time.monotonic()) > 0:
                shell.channel.wait(left)
            shell.channel.close()
