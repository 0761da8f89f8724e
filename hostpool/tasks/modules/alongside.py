"""A file is read or written, and something else asked or done in the same round trip."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hostpool.tasks.base import Request, Run
from hostpool.tasks.modules.editing import Found, look

_MORE = b"\x01more\n"


def look_and(path: str, program: str, *words: str) -> Generator[Request[Any], Any, tuple[Found, str]]:
    """The file, and what ``program`` printed, which gets ``words``. Raises ModuleFailed."""
    looking = look(path)
    request = next(looking)
    assert isinstance(request, Run)
    both = f"{request.program}\nshift {len(request.args)}\nprintf '\\001more\\n'\n{program}"
    reply = yield request.instead(both, (*request.args, *words))
    try:
        looking.send(reply)
    except StopIteration as end:
        found: Found = end.value
    content, _, more = found.content.rpartition(_MORE)
    return found._replace(content=content), more.decode("utf-8", "surrogateescape")


def write_and(writing: Generator[Request[Any], Any, Any], before: str, after: str, *words: str) -> Run:
    """``writing`` is a call of writing.write, whose program runs between two others in a shell of its own;
    the first of them gets ``words``, and must take as many away. What it says goes nowhere."""
    request = next(writing)
    assert isinstance(request, Run)
    program = f"{before}\n(\n{request.program}\n) >/dev/null || exit\n{after}"
    return request.instead(program, (*words, *request.args))
