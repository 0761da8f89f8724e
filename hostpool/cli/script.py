"""``hostpool script PATTERN FILE [ARGS...]``"""

from __future__ import annotations

from hostpool.cli.options import CommandOptions
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError

_HELP = """Copy the local FILE to every host that matches PATTERN, run it there with ARGS, remove it.

Its first line says what runs it (#!/bin/sh if it does not). Options stand before or directly after
PATTERN; what follows FILE goes to the script as it is.

\b
  hostpool script web ./collect.sh --since yesterday
"""


def run(options: CommandOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on
    from hostpool.cli.tasks import script_task

    pattern, rest = pattern_and_rest(words)
    if not rest and not options.list_hosts:
        raise UsageError(
            f"no script to run on {pattern!r}",
            hint=f"name a local file: `hostpool script {pattern} ./collect.sh`",
        )
    return run_on(
        options,
        pattern,
        lambda selected, settings: script_task(options, rest[0], tuple(rest[1:])),
        largest_code=options.largest_code,
    )


SPEC = Spec("script", CommandOptions, ("PATTERN", "FILE", "[ARGS...]"), run, _HELP)
