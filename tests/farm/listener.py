"""A TCP server on loopback that owns its connections and threads, and ends them all."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType


class Listener:
    """Accepts on a free port of 127.0.0.1 and gives each connection a thread, which runs ``serve``.

    ``connections`` counts what came in.
    """

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
