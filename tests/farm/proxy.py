"""A TCP relay that counts, delays, cuts and swallows."""

from __future__ import annotations

import collections
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable

from tests.farm.listener import Listener, hang_up


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


def _will_reset(connection: socket.socket) -> bool:
    lingers, _ = struct.unpack("ii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    return bool(lingers)
