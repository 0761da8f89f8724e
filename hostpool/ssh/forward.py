"""Agent forwarding: what runs on the host may ask our agent (PROTOCOL.agent of OpenSSH, `ssh -A`)."""

from __future__ import annotations

import socket
import threading

from paramiko.common import MSG_CHANNEL_OPEN
from paramiko.message import Message

from hostpool.ssh.channel import Channel
from hostpool.ssh.transport import Transport

KIND = "auth-agent@openssh.com"
_MAX_REQUEST = 256 * 1024
_MAX_CONNECTIONS = 16


class AgentForwarding:
    """Serves the connections that the host opens to the agent at ``path``: each has a thread, for as
    long as it stays open, and every request its answer before the next."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path
        self._places = threading.Semaphore(_MAX_CONNECTIONS)
        self._refuse_others = transport._handler_table[MSG_CHANNEL_OPEN]
        transport._handler_table[MSG_CHANNEL_OPEN] = self._asked

    def _asked(self, m: Message) -> None:
        """In the reader thread."""
        if m.get_string() != KIND.encode() or not self._places.acquire(blocking=False):
            m.rewind()
            self._refuse_others(m)
            return
        channel = self._transport.adopt(m.get_int(), m.get_int(), m.get_int())
        threading.Thread(target=self._serve, args=(channel,), name="hostpool-agent", daemon=True).start()

    def _serve(self, channel: Channel) -> None:
        try:
            with socket.socket(socket.AF_UNIX) as agent:
                agent.connect(self._path)
                self._relay(channel, agent)
        except (OSError, EOFError):
            pass  # the host sees its connection closed, which is how a missing agent looks
        finally:
            self._places.release()
            channel.close()

    def _relay(self, channel: Channel, agent: socket.socket) -> None:
        waiting = b""
        while not (channel.eof or channel.dead):
            data = b"".join([piece for _, piece in channel.wait(None)])
            channel.consumed(len(data))
            waiting += data
            while len(waiting) >= 4:
                size = int.from_bytes(waiting[:4], "big")
                if not 0 < size <= _MAX_REQUEST:
                    return
                if len(waiting) < 4 + size:
                    break
                agent.sendall(waiting[: 4 + size])
                waiting = waiting[4 + size :]
                self._answer(channel, agent)

    def _answer(self, channel: Channel, agent: socket.socket) -> None:
        head = _exactly(agent, 4)
        rest = memoryview(head + _exactly(agent, int.from_bytes(head, "big")))
        while rest and not (channel.closed or channel.dead):
            sent = channel.send(rest)
            rest = rest[sent:]
            if not sent:
                channel.wait_for_window()


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(min(size - len(data), 65536))
        if not piece:
            raise EOFError
        data += piece
    return data
