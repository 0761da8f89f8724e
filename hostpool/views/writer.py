"""Two binary streams, written in the order in which a person shall read them."""

from __future__ import annotations

import os
from typing import Literal

from hostpool.views.options import Stream, ViewOptions

Name = Literal["stdout", "stderr"]


class Writer:
    """Text to stdout and stderr as UTF-8. Changing sides flushes, so a shared terminal keeps the order.

    Once a write failed (BrokenPipeError, ENOSPC: raised to the caller) nothing more is written.
    """

    def __init__(self, options: ViewOptions) -> None:
        self._streams: dict[Name, Stream] = {"stdout": options.stdout, "stderr": options.stderr}
        self._last: Name = "stdout"
        self._broken = False
        self._waiting = False
        self._color = options.color
        self.shared = _same_file(options.stdout, options.stderr)

    def write(self, name: Name, text: str) -> None:
        if self._broken or not text:
            return
        if name != self._last:
            self.flush()
            self._last = name
        self._waiting = True
        try:
            self._streams[name].write(text.encode("utf-8", "backslashreplace"))
        except BaseException:
            self._broken = True
            raise

    def flush(self) -> None:
        if self._broken or not self._waiting:
            return
        self._waiting = False
        try:
            self._streams[self._last].flush()
        except BaseException:
            self._broken = True
            raise

    def paint(self, text: str, style: str) -> str:
        """``text`` in SGR ``style`` where colours are wanted; its last line end stays outside."""
        if not (self._color and style and text):
            return text
        body = text.removesuffix("\n")
        return f"\x1b[{style}m{body}\x1b[0m{text[len(body) :]}"


def _same_file(one: Stream, other: Stream) -> bool:
    """Whether both end in the same place (``2>&1``, a terminal)."""
    if one is other:
        return True
    try:
        first, second = (os.fstat(stream.fileno()) for stream in (one, other))  # type: ignore[attr-defined]  # not every Stream has a file, which the next line says
    except (AttributeError, OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
