"""One command over one channel, from its request to the truth about how it left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostpool.errors import Lost
from hostpool.events import Stream
from hostpool.ssh.channel import Channel
from hostpool.ssh.kill import Killer
from hostpool.ssh.mapping import place, unreachable
from hostpool.ssh.stdin import Stdin
from hostpool.stop import Stop
from hostpool.tasks.become import Dialogue
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import Invocation

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

QUIET = 0.3  # seconds of silence after the exit status, then round trips: a child holds the output
ROUND_TRIPS = 2  # a busy sshd answers the first in the same turn in which it reads the output, and before it
CHATTER = 10.0  # seconds after the exit status for a child that goes on printing
FINAL_OUTPUT = 4 * 1024 * 1024  # a full window and pipe may still be on their way when the status comes
_TERMINAL = (b"xterm-256color", 200, 50, 0, 0)


class Execution:
    """Runs ``call`` to its end. Use once. ``terminal``: the modes of one, None for pipes."""

    def __init__(
        self,
        session: SSHSession,
        call: Invocation,
        stdin: Stdin,
        consumer: Consumer,
        stop: Stop,
        terminal: bytes | None,
        dialogue: Dialogue | None = None,
    ) -> None:
        self.session = session
        self.call = call
        self.stdin = stdin
        self.consumer = consumer
        self.stop = stop
        self.terminal = terminal
        self.dialogue = dialogue
        self.exited_at = 0.0
        self.quiet_since = 0.0
        self.after_exit = 0
        self.probes = 0
        self.probed = 0

    def run(self) -> Exit:
        """Raises Unreachable (nothing ran) or Lost."""
        channel = self.session.channels.open(self.stop)
        unsubscribe = self.stop.subscribe(channel.poke)
        killer = Killer(self.session, channel, self.stop, self.dialogue)
        try:
            self._request(channel)
            return self._follow(channel, killer)
        finally:
            unsubscribe()
            killer.close()
            channel.close()

    # -- asking

    def _request(self, channel: Channel) -> None:
        with self.session.transport.wire.corked():
            self.session.prepare(channel)
            if self.terminal is not None:
                channel.request("pty-req", *_TERMINAL, self.terminal)
            channel.request("exec", self.call.command)
            self._send(channel)
            self.session.channels.open_ahead()
        self.session.transport.wire.hurry()

    def _check_replies(self, channel: Channel) -> None:
        """The first reply is the terminal's, if one was asked for; the last is the command's."""
        wanted = 1 if self.terminal is None else 2
        if self.terminal is not None and channel.replies and not channel.replies[0]:
            raise unreachable(
                self.session.target,
                "tty_refused",
                "the host gives no terminal",
                "PermitTTY no? Leave out --tty",
            )
        if len(channel.replies) >= wanted and not channel.replies[wanted - 1]:
            raise unreachable(
                self.session.target,
                "exec_refused",
                "the host refused to execute a command",
                "an account for file transfer or forwarding only, or an appliance",
            )

    # -- following

    def _follow(self, channel: Channel, killer: Killer) -> Exit:
        chunks: list[tuple[Stream, bytes]] = []
        while True:
            # After output look again at once: what is queued comes before any verdict.
            chunks = channel.wait(0 if chunks else self._patience(killer))
            size = 0
            for stream, data in chunks:
                size += len(data)
                self._deliver(stream, data)
            if size:
                channel.consumed(size)
                self.quiet_since = time.monotonic()
                self.after_exit += size if self.exited_at else 0
                self._send(channel)
                continue
            self._check_replies(channel)
            if killer.step():
                return self._exit(channel, killer)
            self._send(channel)
            # The end is read before the queue: after it nothing more is put there.
            ended, dead = self._over(channel), channel.dead
            if channel.unread or killer.began:
                continue
            if dead:
                raise self._lost()
            if ended and self.dialogue is not None and not self.dialogue.open:
                raise self.dialogue.ended()
            if ended or (channel.exited and self._held_open()):
                return self._exit(channel, killer)
            if not channel.exited:
                self.session.heartbeat.ask()

    def _deliver(self, stream: Stream, data: bytes) -> None:
        if self.dialogue is not None:
            data = self.dialogue.take(stream, data)
        if data:
            self.consumer.feed(stream, data)

    def _send(self, channel: Channel) -> None:
        if self.dialogue is None or self.dialogue.open:
            self.stdin.pump(channel)
            return
        if not channel.exited and (answer := self.dialogue.reply()) is not None:
            channel.send(answer)

    def _patience(self, killer: Killer) -> float:
        """Seconds until something has to be looked at again."""
        due = [self.session.heartbeat.due()]
        if self.exited_at:
            due.append(QUIET / 3)
        if killer.due is not None:
            due.append(killer.due - time.monotonic())
        if self.dialogue is not None and not self.dialogue.open:
            due.append(self.dialogue.due - time.monotonic())
        if (again := self.stdin.look_again) is not None:
            due.append(again - time.monotonic())
        return max(0.0, min(due))

    def _held_open(self) -> bool:
        """The command is gone and its output was not closed: either more is on its way, or a child
        holds it. Silence, then round trips in which nothing came, tell one from the other."""
        now = time.monotonic()
        if not self.exited_at:
            self.exited_at = self.quiet_since = now
        if now - self.exited_at > CHATTER or self.after_exit > FINAL_OUTPUT:
            return True
        if now - self.quiet_since < QUIET:
            self.probes = 0
            return False
        heartbeat = self.session.heartbeat
        if self.probes and not heartbeat.answered(self.probed):
            return False
        if self.probes == ROUND_TRIPS:
            return True
        self.probes += 1
        self.probed = heartbeat.probe()
        return False

    def _over(self, channel: Channel) -> bool:
        return channel.exited and channel.eof

    def _exit(self, channel: Channel, killer: Killer) -> Exit:
        for stream, data in channel.wait(0):
            self._deliver(stream, data)
        return Exit(
            exit_code=channel.status,
            signal=channel.signal,
            stopped=self.stop.reason if killer.began else None,
            still_running=killer.began and not killer.confirmed,
            held_open=not channel.eof,
        )

    def _lost(self) -> Lost:
        target = self.session.target
        return Lost(
            f"connection to {place(target)} lost while the command ran: {self.session.why_gone()}",
            kind="connection_lost",
            host=target.name,
            hint="whether it still runs there is not known",
        )
