"""Keeps the texts of a run until its end, in flat memory."""

from __future__ import annotations

import io
from typing import IO

IN_MEMORY = 8 * 1024 * 1024
"""Bytes; what is beyond goes to an unlinked temporary file that only this user can open."""

Slot = tuple[int, int]
"""Offset and size in bytes."""


class Spool:
    """Append bytes, get them back in any order."""

    def __init__(self) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._end = 0
        self._small = True

    def put(self, data: bytes) -> Slot:
        """Keeps ``data``. Raises OSError when the temporary directory is full."""
        if self._small and self._end + len(data) > IN_MEMORY:
            self._file = self._moved()
            self._small = False
        self._file.seek(self._end)
        self._file.write(data)
        slot = (self._end, len(data))
        self._end += len(data)
        return slot

    def _moved(self) -> IO[bytes]:
        import tempfile  # costs milliseconds that few runs need

        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._file.seek(0)
        file.write(self._file.read())
        self._file.close()
        return file

    def get(self, slot: Slot) -> bytes:
        offset, size = slot
        self._file.seek(offset)
        return self._file.read(size)

    def put_text(self, text: str) -> Slot:
        return self.put(text.encode("utf-8", "surrogatepass"))

    def get_text(self, slot: Slot) -> str:
        return self.get(slot).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        self._file.close()
