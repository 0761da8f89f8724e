"""Servers that misbehave, each in its own way, on 127.0.0.1.

Each is a context manager with ``address`` and ``port``; leaving it closes every socket and joins
every thread.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

from tests.farm.listener import Listener, close

BANNER = b"SSH-2.0-Hostile_1.0\r\n"
Behaviour = Callable[[socket.socket, threading.Event], None]


class Hostile(Listener):
    """A server with one of the behaviours below: ``with Hostile(mute) as server:``."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        self._behaviour(connection, self._ending)

    def __enter__(self) -> Hostile:
        return self


class Refusing:
    """A port that is ours, so nobody else takes it, and that refuses every connection."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address, self.port = self._socket.getsockname()

    def __enter__(self) -> Refusing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()


def mute(connection: socket.socket, ending: threading.Event) -> None:
    """Take the connection, read what comes, say nothing."""
    _read_on(connection, ending)


def garbage(connection: socket.socket, ending: threading.Event) -> None:
    """Speak another protocol."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n\xff\xfe\x00\x1b[2J\r\n")
    _read_on(connection, ending)


def drip(connection: socket.socket, ending: threading.Event) -> None:
    """One byte of a proper banner each second."""
    for byte in BANNER * 1000:
        connection.sendall(bytes([byte]))
        if ending.wait(1):
            return


def endless(connection: socket.socket, ending: threading.Event) -> None:
    """Text without end or line break before any banner (RFC 4253, 4.2 allows lines before it)."""
    while not ending.is_set():
        connection.sendall(b"x" * 8192)


def banner_lines(connection: socket.socket, ending: threading.Event) -> None:
    """Well-formed lines before the banner, for ever."""
    while not ending.is_set():
        connection.sendall(b"please wait\r\n" * 100)


def banner_then_silence(connection: socket.socket, ending: threading.Event) -> None:
    connection.sendall(BANNER)
    _read_on(connection, ending)


def kexinit_then_silence(connection: socket.socket, ending: threading.Event) -> None:
    """Banner and a proper KEXINIT: past the point where paramiko's own handshake timer ends."""
    connection.sendall(BANNER + _kexinit())
    _read_on(connection, ending)


def close_at_once(connection: socket.socket, ending: threading.Event) -> None:
    close(connection)


def reset_at_once(connection: socket.socket, ending: threading.Event) -> None:
    close(connection, reset=True)


def throttled(connection: socket.socket, ending: threading.Event) -> None:
    """What sshd says when MaxStartups is reached."""
    connection.sendall(b"Exceeded MaxStartups\r\n")
    close(connection)


def _read_on(connection: socket.socket, ending: threading.Event) -> None:
    while not ending.is_set():
        if select.select([connection], [], [], 0.05)[0] and not connection.recv(65536):
            return


def _kexinit() -> bytes:
    """An SSH_MSG_KEXINIT packet with algorithms everybody has (RFC 4253, 6 and 7.1)."""
    lists = (
        b"curve25519-sha256",
        b"ssh-ed25519,rsa-sha2-256,ecdsa-sha2-nistp256",
        *[b"aes128-ctr,aes256-ctr,aes128-gcm@openssh.com"] * 2,
        *[b"hmac-sha2-256"] * 2,
        *[b"none"] * 2,
        *[b""] * 2,
    )
    names = b"".join(struct.pack(">I", len(each)) + each for each in lists)
    payload = b"\x14" + os.urandom(16) + names + b"\0" * 5
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + os.urandom(padding)
