"""How an error looks: ``error: …``, its source line with a caret, a blank line, ``hint: …``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

from hostpool.errors import HostpoolError, Problems
from hostpool.views.neutralise import neutralise, one_line


def lines(error: HostpoolError, word: str = "error") -> Iterator[str]:
    """The lines of one error, safe for a terminal (its text may come from a host or a file)."""
    if isinstance(error, Problems):
        for number, each in enumerate(error.errors):
            if number:
                yield ""
            yield from lines(each, word)
        return
    where = error.where()
    message = f"{where}: {error.message}" if where else error.message
    first, *rest = neutralise(message).split("\n")
    yield f"{word}: {first}"
    yield from (f"  {line}" for line in rest)
    yield from _source(error)
    if error.hint:
        first, *rest = neutralise(error.hint).split("\n")
        yield ""
        yield f"hint: {first}"
        yield from (f"  {line}" for line in rest)


def _source(error: HostpoolError) -> Iterator[str]:
    """The line of the file, cut to what fits around the caret."""
    if error.source is None:
        return
    text = error.source.rstrip("\r\n").replace("\t", " ")
    column = error.column
    if column is None:
        yield "  " + one_line(text[:100])
        return
    start = max(0, column - 60) if len(text) > 100 else 0
    before = one_line(text[start : column - 1])
    yield "  " + before + one_line(text[column - 1 : start + 100])
    yield "  " + " " * len(before) + "^"


def print_error(error: HostpoolError, stream: TextIO | None = None) -> None:
    """Never fails: with stderr closed there is nobody to tell."""
    stream = sys.stderr if stream is None else stream
    text = "\n".join(lines(error)) + "\n"
    try:
        stream.write(
            text.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8")
        )
        stream.flush()
    except (OSError, ValueError, AttributeError):
        pass


def print_warning(message: str, hint: str | None = None) -> None:
    text = f"warning: {one_line(message)}\n" + (f"hint: {one_line(hint)}\n" if hint else "")
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
