"""The terminal driver: draws a frame over the one before, in the normal screen, below what was there.

Between frames the cursor is visible, wrapping on and nothing else set: whoever dies, the terminal is sane.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from hostpool.views.live.cells import width
from hostpool.views.live.render import Line
from hostpool.views.options import Stream

FALLBACK = (80, 24)
BEGIN = "\x1b[?25l"  # cursor off, while it travels (xterm ctlseqs, DECTCEM)
END = "\x1b[?25h"
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"  # whatever the terminal thinks of a character's width (DECAWM)
ERASE_BELOW, ERASE_RIGHT = "\x1b[J", "\x1b[K"
FULL_EVERY = 10
"""Frames after which unchanged lines are drawn too: keys typed meanwhile have been echoed over them."""


def painted(line: Line, *, color: bool) -> str:
    """``line`` as a terminal takes it."""
    if not color:
        return "".join(text for text, _ in line)
    return "".join(f"\x1b[{style}m{text}\x1b[0m" if style and text else text for text, style in line)


class Screen:
    """Writes each frame with one call, so a paused terminal blocks there and nowhere else."""

    def __init__(self, stream: Stream, size: Callable[[], tuple[int, int]] | None, *, color: bool) -> None:
        self._stream = stream
        self._asked = size
        self._color = color
        self._lines: list[str] = []
        self._widths: list[int] = []
        self._columns = 0
        self._frames = 0

    def size(self) -> tuple[int, int]:
        """Columns and rows now; 80 × 24 where the terminal does not know."""
        try:
            columns, rows = self._asked() if self._asked else os.get_terminal_size(self._stream.fileno())  # type: ignore[attr-defined]  # a stream without a file is caught below
        except (OSError, ValueError, AttributeError):
            return FALLBACK
        return columns or FALLBACK[0], rows or FALLBACK[1]

    def draw(self, frame: Sequence[Line], columns: int, above: str = "") -> None:
        """Replaces the last frame by this one. ``above`` scrolls away over it and stays."""
        lines = [painted(line, color=self._color) for line in frame]
        same = columns == self._columns and not above and self._frames % FULL_EVERY != 0
        out = [BEGIN, self._to_top(columns)]
        erased = bool(above) or columns != self._columns
        if erased:
            out.append(ERASE_BELOW + above.replace("\n", "\r\n"))
        out.append(NO_WRAP)
        for at, line in enumerate(lines):
            kept = same and at < len(self._lines) and self._lines[at] == line
            out.append(("\r\n" if at else "") + ("" if kept else line + ERASE_RIGHT))
        if len(lines) < len(self._lines) and not erased:
            out.append("\r\n" + ERASE_BELOW + "\x1b[A")
        out += ["\r", WRAP, END]
        self._write("".join(out))
        self._lines = lines
        self._widths = [sum(width(text) for text, _ in line) for line in frame]
        self._columns = columns
        self._frames += 1

    def clear(self, columns: int, above: str = "") -> None:
        """Takes the last frame away; what is written next stands in its place."""
        if self._lines or above:
            self._write(self._to_top(columns) + ERASE_BELOW + above.replace("\n", "\r\n"))
        self._lines = []
        self._widths = []

    def _to_top(self, columns: int) -> str:
        """From the last line, where every frame leaves the cursor, to the first.

        A terminal that became narrower has broken the lines anew (nearly all do; xterm cuts them off).
        """
        up = len(self._widths) - 1
        if columns < self._columns:
            up = sum(max(1, -(-cells // columns)) for cells in self._widths[:-1])
        return f"\r\x1b[{up}A" if up > 0 else "\r"

    def _write(self, text: str) -> None:
        self._stream.write(text.encode("utf-8", "backslashreplace"))
        self._stream.flush()
