"""``hostpool put PATTERN SRC... DEST``"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hostpool.cli.spec import Spec
from hostpool.cli.transfer_options import PutOptions
from hostpool.errors import UsageError

if TYPE_CHECKING:
    from hostpool.tasks import Put

_HELP = """Copy local files and directories to DEST on every host that matches PATTERN.

One file may get a new name; several go into a directory, as DEST/ always means one. A SRC of - is
standard input. Each file arrives whole or not at all, compared by size and SHA-256 on both ends.

\b
  hostpool put web nginx.conf /etc/nginx/nginx.conf -b --mode 644
  date | hostpool put all - /tmp/date
"""


def run(options: PutOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest
    from hostpool.cli.transfer_tasks import stdin_file

    pattern, rest = pattern_and_rest(words)
    if len(rest) < 2 and not options.list_hosts:
        raise UsageError(
            "SRC and DEST are needed after the hosts",
            hint=f"`hostpool put {pattern} app.conf /etc/app.conf`: SRC is here, DEST on the hosts",
        )
    *sources, dest = rest or [""]
    if "-" not in sources or options.list_hosts:
        return _put(options, pattern, rest)
    if len(sources) > 1:
        raise UsageError("- stands for standard input, which goes alone")
    path = stdin_file(dest, "-" in options.inventory)
    try:
        return _put(options, pattern, [str(path), dest], from_stdin=True)
    finally:
        path.unlink(missing_ok=True)


def _put(options: PutOptions, pattern: str, words: list[str], *, from_stdin: bool = False) -> int:
    from hostpool.cli.transfer_tasks import carry, put_task

    def make(words: Sequence[str]) -> Put:
        *sources, dest = words
        return put_task(options, sources, dest, dest.rpartition("/")[2] if from_stdin else None)

    return carry(options, pattern, words, make)


SPEC = Spec("put", PutOptions, ("PATTERN", "SRC...", "DEST"), run, _HELP, free=True)
