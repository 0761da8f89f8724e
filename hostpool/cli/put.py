"""``hostpool put PATTERN SRC... DEST``"""

from __future__ import annotations

from hostpool.cli.spec import Spec
from hostpool.cli.transfer_options import PutOptions
from hostpool.errors import UsageError

_HELP = """Copy local files and directories to DEST on every host that matches PATTERN.

One file may get a new name; several go into a directory, as DEST/ always means one. A SRC of - is
standard input. Each file arrives whole or not at all, compared by size and SHA-256 on both ends.

\b
  hostpool put web nginx.conf /etc/nginx/nginx.conf -b --mode 644
  date | hostpool put all - /tmp/date
"""


def run(options: PutOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on
    from hostpool.cli.transfer_tasks import put_task, stdin_file

    pattern, rest = pattern_and_rest(words)
    if len(rest) < 2 and not options.list_hosts:
        raise UsageError(
            "SRC and DEST are needed after the hosts",
            hint=f"`hostpool put {pattern} app.conf /etc/app.conf`: SRC is here, DEST on the hosts",
        )
    *sources, dest = rest or [""]
    if "-" not in sources or options.list_hosts:
        return run_on(options, pattern, lambda selected, settings: put_task(options, sources, dest))
    if len(sources) > 1:
        raise UsageError("- stands for standard input, which goes alone")
    path = stdin_file(dest, "-" in options.inventory)
    try:
        return run_on(
            options, pattern, lambda selected, settings: put_task(options, [str(path)], dest, _name(dest))
        )
    finally:
        path.unlink(missing_ok=True)


def _name(dest: str) -> str:
    return dest.rpartition("/")[2]


SPEC = Spec("put", PutOptions, ("PATTERN", "SRC...", "DEST"), run, _HELP, free=True)
