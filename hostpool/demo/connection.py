"""One SSH connection of a host: who gets in, and what its channels ask for."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from typing import ClassVar

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    MSG_CHANNEL_REQUEST,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from hostpool.demo.command import Command
from hostpool.demo.files import FileServer, HostFiles
from hostpool.demo.layout import Account, Key
from hostpool.demo.running import Running
from hostpool.demo.terminal import Terminal

GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


class Port:
    """What every connection to one host shares."""

    def __init__(self, account: Account, host_key: Key, client_key: str, running: Running) -> None:
        self.account = account
        self.running = running
        self._host_key = paramiko.Ed25519Key.from_private_key(io.StringIO(host_key.private))
        self.client_key = client_key.split()[1]

    def serve(self, connection: socket.socket) -> None:
        """Begin the handshake in a thread of its own and return."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = Transport(connection)
        options = transport.get_security_options()
        options.ciphers = (*GCM, *(name for name in options.ciphers if name not in GCM))
        transport.add_server_key(self._host_key)
        transport.set_subsystem_handler("sftp", FileServer, HostFiles)
        transport.start_server(event=threading.Event(), server=Session(self, connection))


class Session(paramiko.ServerInterface):
    """The decisions of a server, for one connection. Called in that connection's thread."""

    def __init__(self, port: Port, connection: socket.socket) -> None:
        self.account = port.account
        self._port = port
        ours, theirs = connection.getsockname(), connection.getpeername()
        self._environment = {"SSH_CONNECTION": f"{theirs[0]} {theirs[1]} {ours[0]} {ours[1]}"}
        self._channels: dict[paramiko.Channel, Asked] = {}
        self._next: Callable[[], object] | None = None

    def opened(self, channel: paramiko.Channel) -> None:
        """Keep ``channel``: paramiko itself holds it by a weak reference only."""
        for each in [each for each in self._channels if each.closed]:
            self._channels.pop(each).abandon()
        self._channels[channel] = Asked(dict(self._environment))

    def answered(self) -> None:
        """The reply to a request is sent: begin what it asked for. A command that began before could
        answer, and even end, ahead of it."""
        begin, self._next = self._next, None
        if begin is not None:
            begin()

    def signal(self, channel: paramiko.Channel, name: str) -> None:
        command = self._channels[channel].command
        if command is not None:
            command.signal(name)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == self.account.user and key.get_base64() == self._port.client_key
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        try:
            text = name.decode("ascii")
        except UnicodeDecodeError:
            return False
        if not text.isidentifier() or b"\0" in value:
            return False
        self._channels[channel].environment[text] = value.decode(errors="surrogateescape")
        return True

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        asked = self._channels[channel]
        if asked.terminal is not None:
            return False
        try:
            asked.terminal = Terminal(term, width, height)
        except OSError:  # no more pseudo-terminals
            return False
        return True

    def check_channel_window_change_request(
        self, channel: paramiko.Channel, width: int, height: int, pixelwidth: int, pixelheight: int
    ) -> bool:
        terminal = self._channels[channel].terminal
        if terminal is None:
            return False
        terminal.resize(width, height)
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._run(channel, command)

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._run(channel, None)

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if name != "sftp":
            return False
        self._next = lambda: paramiko.ServerInterface.check_channel_subsystem_request(self, channel, name)
        return True

    def _run(self, channel: paramiko.Channel, text: bytes | None) -> bool:
        asked = self._channels[channel]
        if asked.command is not None:
            return False
        asked.command = Command(
            channel, self.account, self._port.running, text, asked.environment, asked.terminal
        )
        self._next = asked.command.start
        return True


class Asked:
    """What a channel's client has asked for so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.terminal: Terminal | None = None
        self.command: Command | None = None

    def abandon(self) -> None:
        """The channel is closed: a terminal that no command ever got is nobody's."""
        if self.terminal is not None and self.command is None:
            self.terminal.close()


def _on_request(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """paramiko's own handling of a channel request, plus ``signal``, which it does not know."""
    session = channel.get_transport().server_object
    assert isinstance(session, Session)
    start = message.packet.tell()
    if message.get_text() == "signal":
        message.get_boolean()  # want_reply: always false (RFC 4254, 6.9)
        session.signal(channel, message.get_text())
        return
    message.packet.seek(start)
    channel._handle_request(message)  # type: ignore[attr-defined]  # not public
    session.answered()


class Transport(paramiko.Transport):
    # 0.1 s wakes every idle connection ten times a second
    _active_check_timeout = 2.0
    # not public; the only way in for a request that paramiko does not know
    _channel_handler_table: ClassVar = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_REQUEST: _on_request,
    }

    def _queue_incoming_channel(self, channel: paramiko.Channel) -> None:
        assert isinstance(self.server_object, Session)
        self.server_object.opened(channel)
