"""The byte stream under a transport: a socket that can be woken from any thread.

paramiko polls its socket several times a second to notice that somebody wants it to end. Here the
socket blocks for as long as it likes, and ``abort`` shuts it down, which wakes whoever waits on it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Protocol

READ_SIZE = 128 * 1024


class Wire(Protocol):
    """What paramiko asks of a socket, and what we ask: ``abort`` (never blocks) and ``corked``."""

    def send(self, data: bytes) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def settimeout(self, seconds: float | None) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...
    def hurry(self) -> None: ...
    def stuck_for(self) -> float: ...
    def corked(self) -> contextlib.AbstractContextManager[None]: ...


class SocketWire:
    """A connected stream socket: buffered reads, whole writes, writes that travel together."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        self._sock = sock
        self._buffer = memoryview(b"")
        self._sending = threading.Lock()
        self._held: bytearray | None = None
        self._closed = False
        self._sending_since = 0.0

    def recv(self, size: int) -> bytes:
        if not self._buffer:
            data = self._sock.recv(READ_SIZE)
            if len(data) <= size:
                return data
            self._buffer = memoryview(data)
        piece = bytes(self._buffer[:size])
        self._buffer = self._buffer[size:]
        return piece

    def send(self, data: bytes) -> int:
        with self._sending:
            if self._held is not None:
                self._held += data
            else:
                self._write(data)
        return len(data)

    def _write(self, data: bytes | bytearray) -> None:
        self._sending_since = time.monotonic()
        self._sock.sendall(data)
        self._sending_since = 0.0

    def stuck_for(self) -> float:
        """Seconds for which a write has been waiting for the peer to take it."""
        since = self._sending_since
        return time.monotonic() - since if since else 0.0

    @contextlib.contextmanager
    def corked(self) -> Iterator[None]:
        """What is sent inside goes out as one piece: the host wakes once for it, not once a packet."""
        with self._sending:
            self._held = bytearray()
        try:
            yield
        finally:
            with self._sending:
                data, self._held = self._held, None
                if data:
                    self._write(data)

    def settimeout(self, seconds: float | None) -> None:
        """Ignored: see above."""

    def hurry(self) -> None:
        """Acknowledges at once what has come: a peer with Nagle's algorithm on (sshd before its first
        session channel) otherwise waits 40 ms for us (tcp(7), TCP_QUICKACK)."""
        if hasattr(socket, "TCP_QUICKACK") and self._sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.abort()
        self._closed = True
        self._sock.close()
