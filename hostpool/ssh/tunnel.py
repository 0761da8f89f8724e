"""A connection made by a jump host for us (RFC 4254 §7.2, direct-tcpip)."""

from __future__ import annotations

import errno

from paramiko.message import Message

from hostpool.ssh.channel import Channel
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.transport import Transport
from hostpool.ssh.wire import Wire


class Tunnel(Wire):
    """Over a channel of the jump host's transport. ``ready`` has to be awaited before its use."""

    def __init__(self, transport: Transport, heartbeat: Heartbeat, host: str, port: int) -> None:
        super().__init__()

        def destination(m: Message) -> None:
            m.add_string(host)
            m.add_int(port)
            m.add_string("127.0.0.1")  # who asked for it: sshd logs this, nothing more
            m.add_int(0)

        self._transport = transport
        self._heartbeat = heartbeat
        self._aborted = False
        self._heard = transport.packetizer.packets_in
        self._early: list[bytes] = []
        self._channel = transport.open("direct-tcpip", destination)

    def ready(self) -> Channel:
        """Waits until the jump host has decided; its channel is opened, refused or dead then, or
        none of them when this was aborted."""
        channel = self._channel
        while not (channel.opened or channel.refusal or channel.dead or self._aborted):
            # The host behind it may have spoken before we come to look: its banner is in there.
            self._early += [piece for _, piece in channel.wait(None)]
        return channel

    def silent(self) -> bool:
        """Nothing at all has come from the jump host since the channel was asked for."""
        return self._transport.packetizer.packets_in == self._heard

    def hurry(self) -> None:
        self._transport.wire.hurry()

    def abort(self) -> None:
        self._aborted = True
        self._channel.poke()

    def close(self) -> None:
        self.abort()
        try:
            self._channel.close()
        except (EOFError, OSError):
            pass

    def _read(self) -> bytes:
        channel = self._channel
        while not self._aborted:
            pieces, self._early = self._early or [piece for _, piece in channel.wait(None)], []
            data = b"".join(pieces)
            if data:
                channel.consumed(len(data))
                return data
            if channel.eof or channel.dead:
                break
        return b""

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        self._heartbeat.watch()
        while rest:
            if self._aborted or self._channel.closed or self._channel.dead:
                raise OSError(errno.EPIPE, "the tunnel is closed")
            sent = self._channel.send(rest)
            rest = rest[sent:]
            if not sent:
                self._channel.wait_for_window()
