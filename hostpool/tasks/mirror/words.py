"""Lines of the host's script: words that sh takes as they are, in commands that are short enough."""

from __future__ import annotations

import time

from hostpool.sync.tree import ROOT, name_of
from hostpool.tasks.files_query import chunks, text
from hostpool.tasks.shell import quote

_WORDS = 60_000
"""Characters of names on one command line; the least that systems take for all of it is 128 KiB."""


def enter(path: bytes) -> str:
    return f"D {quote('' if path == ROOT else text(path))}"


def name(path: bytes) -> str:
    return quote(text(name_of(path)))


def commands(command: str, words: list[str]) -> list[str]:
    return [f"{command} {' '.join(piece)}" for piece in chunks(words, _WORDS)]


def stamp(moment: int) -> str:
    """For ``touch -t`` under TZ=UTC0."""
    return time.strftime("%Y%m%d%H%M.%S", time.gmtime(max(0, moment)))
