"""Standard input of a command, sent as fast as the host takes it and never waiting for it."""

from __future__ import annotations

from hostpool.errors import TaskFailed
from hostpool.ssh.channel import Channel
from hostpool.tasks.base import FileSource, Reading

PIECE = 256 * 1024


class Stdin:
    """First ``head``, then ``source``, then ``tail`` (a terminal's end of file is a character), then
    end of file. Raises TaskFailed for an unreadable file."""

    def __init__(self, head: bytes, source: bytes | FileSource, tail: bytes = b"") -> None:
        self.done = False
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
            self._rest = memoryview(head + source + tail)
            self._tail = b""

    def pump(self, channel: Channel) -> None:
        """Sends what the channel takes now, and the end of file after the last byte."""
        while not self.done:
            if not self._rest and self._file is not None:
                self._rest = memoryview(self._file.read(PIECE))
                if not self._rest:
                    self.close()
                    self._rest = memoryview(self._tail)
            if not self._rest:
                channel.send_eof()
                self.done = True
                return
            sent = channel.send(self._rest)
            if not sent:
                return
            self._rest = self._rest[sent:]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
