"""Servers that misbehave, each in its own way, on 127.0.0.1.

Each is a context manager with ``address`` and ``port``; leaving it closes every socket and joins
every thread. ``connections`` counts what came in.
"""

from __future__ import annotations

import collections
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType

BANNER = b"SSH-2.0-Hostile_1.0\r\n"
Behaviour = Callable[[socket.socket, threading.Event], None]


class Listener:
    """Accepts on a free port of 127.0.0.1 and gives each connection a thread."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address, self.port = self._socket.getsockname()
        self.connections = 0
        self._ending = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="hostile-accept", daemon=True)]
        self._threads[0].start()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def _accept(self) -> None:
        while not self._ending.is_set():
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            connection, _ = self._socket.accept()
            self.connections += 1
            self.adopt(connection)
            self.spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            self.serve(connection)
        except OSError:  # the peer went first, or stop() closed the socket under us
            pass
        finally:
            self.discard(connection)

    def adopt(self, connection: socket.socket) -> None:
        """Have ``connection`` closed at the end."""
        with self._lock:
            self._open.add(connection)

    def discard(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def spawn(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, name="hostile", daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()
        return thread

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection there is now, ``reset`` with RST instead of FIN."""
        with self._lock:
            for connection in self._open:
                hang_up(connection, reset=reset)

    def stop(self) -> None:
        self._ending.set()
        self._threads[0].join()
        self._socket.close()
        self.drop()
        for thread in self._threads[1:]:
            thread.join(5)
            if thread.is_alive():
                raise AssertionError(f"a thread of {type(self).__name__} did not end")

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


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


def close(connection: socket.socket, *, reset: bool = False) -> None:
    """Close a socket that no other thread uses; ``reset`` sends RST."""
    hang_up(connection, reset=reset)
    connection.close()


def hang_up(connection: socket.socket, *, reset: bool = False) -> None:
    """Wake the thread that owns ``connection``, which then closes it: closing it here could hand its
    number to another socket under that thread. ``reset``: without FIN, so that closing sends RST."""
    try:
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
    except OSError:
        pass


def _will_reset(connection: socket.socket) -> bool:
    lingers, _ = struct.unpack("ii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    return bool(lingers)


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


class Proxy(Listener):
    """A TCP relay in front of a real server that counts, delays, cuts, swallows.

    ``cut_up``/``cut_down``: a connection ends once so many bytes went to/from the server (exactly so
    many are passed on; ``reset``: with RST). ``delay``: seconds each byte takes in either direction.
    ``up``/``down`` count bytes passed on over all connections.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        cut_up: int | None = None,
        cut_down: int | None = None,
        reset: bool = False,
        delay: float = 0.0,
    ) -> None:
        self._server = (address, port)
        self._limits = {"up": cut_up, "down": cut_down}
        self._reset = reset
        self._delay = delay
        self._forwarding = threading.Event()
        self._forwarding.set()
        self.up = self.down = 0
        super().__init__()

    def black_hole(self) -> None:
        """From now on pass nothing on, keep everything open."""
        self._forwarding.clear()

    def restore(self) -> None:
        """Pass on again, what was held back included."""
        self._forwarding.set()

    def serve(self, connection: socket.socket) -> None:
        server = socket.create_connection(self._server, timeout=10)
        server.settimeout(None)
        self.adopt(server)
        for side in (connection, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        down = self.spawn(self._relay, server, connection, "down")
        try:
            self._relay(connection, server, "up")
        finally:
            down.join()
            self.discard(server)

    def _relay(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        left = self._limits[way]
        try:
            for chunk in self._delayed(source):
                while not self._forwarding.wait(0.05):
                    if self._ending.is_set():
                        return
                part = chunk if left is None else chunk[:left]
                sink.sendall(part)
                self._count(way, len(part))
                if left is not None:
                    left -= len(part)
                    if left == 0:
                        break
            else:
                if not _will_reset(source):
                    sink.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        hang_up(sink, reset=self._reset)
        hang_up(source, reset=self._reset)

    def _count(self, way: str, size: int) -> None:
        with self._lock:
            if way == "up":
                self.up += size
            else:
                self.down += size

    def _delayed(self, source: socket.socket) -> Iterable[bytes]:
        """What comes from ``source``, each piece ``delay`` seconds after it came."""
        waiting: collections.deque[tuple[float, bytes]] = collections.deque()
        ended = False
        while not (ended and not waiting):
            pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            if ended:
                time.sleep(pause or 0.0)
            elif select.select([source], [], [], pause)[0]:
                chunk = source.recv(65536)
                ended = not chunk
                if chunk:
                    waiting.append((time.monotonic() + self._delay, chunk))
            while waiting and waiting[0][0] <= time.monotonic():
                yield waiting.popleft()[1]

    def __enter__(self) -> Proxy:
        return self
