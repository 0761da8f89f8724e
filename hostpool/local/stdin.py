"""Standard input of a local command: what comes first from memory, then a file, piece by piece."""

from __future__ import annotations

from typing import BinaryIO

from hostpool.errors import TaskFailed
from hostpool.tasks.base import FileSource

PIECE = 256 * 1024


class Stdin:
    def __init__(self, head: bytes, file: BinaryIO | None) -> None:
        self._rest = memoryview(head)
        self._file = file

    def peek(self) -> memoryview:
        """What is to be written next; empty at the end."""
        if not self._rest and self._file is not None:
            self._rest = memoryview(self._file.read(PIECE))
        return self._rest

    def advance(self, size: int) -> None:
        self._rest = self._rest[size:]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def open_stdin(head: bytes, source: bytes | FileSource) -> Stdin:
    """Raises TaskFailed for a file that cannot be read: nothing was started then."""
    if not isinstance(source, FileSource):
        return Stdin(head + source, None)
    try:
        return Stdin(head, open(source.path, "rb"))  # lives as long as the command
    except OSError as error:
        raise TaskFailed(
            f"cannot read {source.path}: {error.strerror}", kind="stdin_file", hint="nothing was run"
        ) from error
