"""Standard input of a command: what comes first from memory, then a file, piece by piece, then an end."""

from __future__ import annotations

import time

from hostpool.errors import TaskFailed
from hostpool.tasks.base import FileSource, Reading

PIECE = 8 * (32 * 1024 - 64)
"""Full packets of SSH (ssh.pace.PACKET), and no crumb behind them."""


class Stdin:
    """``head``, then ``source``, then ``delay`` seconds later ``tail`` (a terminal's end of file is a
    character). ``peek`` at what is next, write of it what can be written, and ``advance`` by that.

    ``due``: the moment of the monotonic clock before which the tail is not written, once all else was; None
    when nothing waits. Raises TaskFailed for an unreadable file: no command was begun.
    """

    _unread = "nothing was run"

    def __init__(
        self, head: bytes, source: bytes | FileSource, tail: bytes = b"", delay: float = 0.0
    ) -> None:
        self.due: float | None = None
        self._delay = delay
        self._tail = tail
        self._file: Reading | None = None
        if isinstance(source, FileSource):
            self._rest = memoryview(head)
            try:
                self._file = source.open()  # closed with us
            except OSError as error:
                raise TaskFailed(
                    f"cannot read {source.path}: {error.strerror}", kind="stdin_file", hint=self._unread
                ) from error
        else:
            self._rest = memoryview(head + source)

    def peek(self) -> memoryview:
        """What is to be written next; empty at the end, and while it is not yet due."""
        if not self._rest and self._file is not None:
            self._rest = memoryview(self._file.read(PIECE))
            if not self._rest:
                self.close()
        if not self._rest and self._file is None and self._tail:
            self._take_tail()
        return self._rest

    def advance(self, size: int) -> None:
        self._rest = self._rest[size:]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take_tail(self) -> None:
        if self.due is None:
            self.due = time.monotonic() + self._delay
        if time.monotonic() >= self.due:
            self._rest, self._tail, self.due = memoryview(self._tail), b"", None
