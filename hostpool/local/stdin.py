"""Standard input of a local command: what comes first from memory, then a file, piece by piece."""

from __future__ import annotations

import time

from hostpool.errors import TaskFailed
from hostpool.tasks.base import FileSource, Reading

PIECE = 256 * 1024


class Stdin:
    """``due``: the moment of the monotonic clock before which the tail is not written, once all else was."""

    def __init__(self, head: bytes, file: Reading | None, tail: bytes, delay: float) -> None:
        self.due: float | None = None
        self._rest = memoryview(head)
        self._file = file
        self._tail = tail
        self._delay = delay

    def peek(self) -> memoryview:
        """What is to be written next; empty at the end, and while it is not yet due."""
        if not self._rest and self._file is not None:
            self._rest = memoryview(self._file.read(PIECE))
            if not self._rest:
                self.close()
        if not self._rest and self._file is None and self._tail:
            self._take_tail()
        return self._rest

    def _take_tail(self) -> None:
        if self.due is None:
            self.due = time.monotonic() + self._delay
        if time.monotonic() >= self.due:
            self._rest, self._tail, self.due = memoryview(self._tail), b"", None

    def advance(self, size: int) -> None:
        self._rest = self._rest[size:]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def open_stdin(head: bytes, source: bytes | FileSource, tail: bytes = b"", delay: float = 0.0) -> Stdin:
    """``tail``: a terminal's end of file, ``delay`` seconds after the rest. Raises TaskFailed for an
    unreadable file: nothing was run."""
    if not isinstance(source, FileSource):
        return Stdin(head + source, None, tail, delay)
    try:
        file = source.open()  # closed with the command's Stdin
    except OSError as error:
        raise TaskFailed(
            f"cannot read {source.path}: {error.strerror}", kind="stdin_file", hint="nothing was run"
        ) from error
    return Stdin(head, file, tail, delay)
