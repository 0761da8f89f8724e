"""The byte stream under a transport: something that can be woken from any thread.

paramiko polls its socket several times a second to notice that somebody wants it to end. Here the
stream blocks for as long as it likes, and ``abort`` wakes whoever waits on it.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

SMALL_READ = 4 * 1024
LARGE_READ = 128 * 1024
"""recv(2) needs its room before it waits: at 128 KiB an idle session held as much memory, and the few
hundred bytes of each message of a handshake cost an mmap(2) and its page faults."""
_MIN_RTT = 148
_UNKNOWN = 0xFFFFFFFF


def _nothing() -> None:
    pass


class Wire:
    """Buffered reads, whole writes, writes that travel together. For subclasses to fill in:
    ``_read``, ``_write``, ``abort``, ``close``, and what else they can do better.

    ``before_waiting`` is called by the reader when all that has come was taken.
    """

    def __init__(self) -> None:
        self._buffer = memoryview(b"")
        self._sending = threading.Lock()
        self._held: bytearray | None = None
        self._sending_since = 0.0
        self.before_waiting: Callable[[], None] = _nothing

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes; nothing at the end. Raises OSError."""
        if not self._buffer:
            self.before_waiting()
            data = self._read()
            if len(data) <= size:
                return data
            self._buffer = memoryview(data)
        piece = bytes(self._buffer[:size])
        self._buffer = self._buffer[size:]
        return piece

    def send(self, data: bytes | memoryview) -> int:
        """All of ``data``, or OSError."""
        with self._sending:
            if self._held is not None:
                self._held += data
            else:
                self._timed_write(data)
        return len(data)

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
                    self._timed_write(data)

    def settimeout(self, seconds: float | None) -> None:
        """Ignored: see above."""

    def stuck_for(self) -> float:
        """Seconds for which a write has been waiting for the peer to take it."""
        since = self._sending_since
        return time.monotonic() - since if since else 0.0

    def hurry(self) -> None:
        """Acknowledges at once what has come, where that can be asked for."""

    def round_trip(self) -> float:
        """Seconds to the host and back at the least; 0 where that has not been measured."""
        return 0.0

    def complaint(self) -> str:
        """What a program in between said on its standard error."""
        return ""

    def abort(self) -> None:
        """Ends every wait on it, from any thread, at once."""
        raise NotImplementedError

    def close(self) -> None:
        """Aborts and frees it; by its last user."""
        raise NotImplementedError

    def _timed_write(self, data: bytes | bytearray | memoryview) -> None:
        self._sending_since = time.monotonic()
        self._write(data)
        self._sending_since = 0.0

    def _read(self) -> bytes:
        raise NotImplementedError

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        raise NotImplementedError


class SocketWire(Wire):
    """Over a connected stream socket, which it owns."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        sock.settimeout(None)
        self._sock = sock
        self._room = SMALL_READ

    def hurry(self) -> None:
        """A peer with Nagle's algorithm on (sshd before its first session channel) otherwise waits
        40 ms for our acknowledgement (tcp(7), TCP_QUICKACK)."""
        if hasattr(socket, "TCP_QUICKACK") and self._sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def round_trip(self) -> float:
        """See struct tcp_info of linux/tcp.h: tcpi_min_rtt, which no delayed acknowledgement makes longer."""
        if sys.platform != "linux" or self._sock.family == socket.AF_UNIX:
            return 0.0
        try:
            told = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _MIN_RTT + 4)
        except OSError:
            return 0.0
        if len(told) < _MIN_RTT + 4:
            return 0.0
        microseconds = int.from_bytes(told[_MIN_RTT:], sys.byteorder)
        return 0.0 if microseconds == _UNKNOWN else microseconds / 1_000_000

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.abort()
        self._sock.close()

    def _read(self) -> bytes:
        data = self._sock.recv(self._room)
        self._room = LARGE_READ if len(data) == self._room else SMALL_READ
        return data

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        self._sock.sendall(data)
