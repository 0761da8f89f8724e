"""Frames of bytes over a stream socket, with the three calls of multiprocessing's ``Connection`` that a
link needs: importing that one costs each process 13 ms, and reads a frame in two calls of the system."""

from __future__ import annotations

import socket
import time
from typing import Protocol

_HEAD = 8
_SMALL = 1 << 14
"""Up to this size a copy is cheaper than a second call of the system."""


class Connection(Protocol):
    def send_bytes(self, data: bytes, /) -> None: ...

    def recv_bytes(self) -> bytes: ...

    def close(self) -> None: ...


class Frames:
    """For one sending and one receiving thread, which also closes it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._reader = end.makefile("rb", 1 << 16)

    def send_bytes(self, data: bytes, /) -> None:
        head = len(data).to_bytes(_HEAD, "big")
        if len(data) <= _SMALL:
            self._end.sendall(head + data)
        else:
            self._end.sendall(head)
            self._end.sendall(data)

    def recv_bytes(self) -> bytes:
        """Raises EOFError when the other end is gone."""
        return self._read(int.from_bytes(self._read(_HEAD), "big"))

    def end(self, patience: float) -> None:
        """Nothing more comes from here. Returns when the other end is closed, or after so many seconds."""
        until = time.monotonic() + patience
        try:
            self._end.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                self._end.settimeout(left)
                if not self._end.recv(1 << 12):
                    break
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        self._reader.close()
        self._end.close()

    def _read(self, size: int) -> bytes:
        data: bytes = self._reader.read(size)
        if len(data) < size:
            raise EOFError
        return data
