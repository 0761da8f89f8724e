"""Standard input of a command, sent as fast as the host takes it and never waiting for it."""

from __future__ import annotations

import time

from hostpool.errors import TaskFailed
from hostpool.ssh.channel import Channel
from hostpool.tasks.base import FileSource, Reading

PIECE = 256 * 1024


class Stdin:
    """First ``head``, then ``source``, then ``delay`` seconds later ``tail`` (a terminal's end of file is
    a character), then end of file. Raises TaskFailed for an unreadable file.

    ``due``: the moment of the monotonic clock to pump for the tail; None when nothing waits."""

    def __init__(
        self, head: bytes, source: bytes | FileSource, tail: bytes = b"", delay: float = 0.0
    ) -> None:
        self.done = False
        self.due: float | None = None
        self._delay = delay
        self._tail = tail
        self._file: Reading | None = None
        if isinstance(source, FileSource):
            self._rest = memoryview(head)
            try:
                self._file = source.open()
            except OSError as error:
                raise TaskFailed(
                    f"cannot read {source.path}: {error.strerror}", kind="stdin_file", hint="nothing was sent"
                ) from error
        else:
            self._rest = memoryview(head + source)

    def pump(self, channel: Channel) -> None:
        """Sends what the channel takes now, and the end of file after the last byte."""
        while not self.done:
            if not self._rest and self._file is not None:
                self._rest = memoryview(self._file.read(PIECE))
                if not self._rest:
                    self.close()
            if not self._rest and self._tail and not self._take_tail():
                return
            if not self._rest:
                channel.send_eof()
                self.done = True
                return
            sent = channel.send(self._rest)
            if not sent:
                return
            self._rest = self._rest[sent:]

    def _take_tail(self) -> bool:
        if self.due is None:
            self.due = time.monotonic() + self._delay
        if time.monotonic() < self.due:
            return False
        self._rest, self._tail, self.due = memoryview(self._tail), b"", None
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
