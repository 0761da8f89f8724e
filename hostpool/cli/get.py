"""``hostpool get PATTERN SRC... DESTDIR``"""

from __future__ import annotations

from collections.abc import Sequence

from hostpool.cli.spec import Spec
from hostpool.cli.transfer_options import GetOptions
from hostpool.errors import UsageError

_HELP = """Copy files and directories from every host that matches PATTERN to DESTDIR/HOST/.

SRC may hold wildcards, which the host reads (quote them here); SRC/ means what is in it. A file appears
whole or not at all, compared by SHA-256 on both ends, and only if it differs from what is here.

\b
  hostpool get web '/var/log/nginx/*.log' logs
  hostpool get all /etc/os-release --flat releases
"""


def run(options: GetOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest
    from hostpool.cli.transfer_tasks import carry
    from hostpool.tasks.fetch import Get

    pattern, rest = pattern_and_rest(words)
    if len(rest) < 2 and not options.list_hosts:
        raise UsageError(
            "SRC and DESTDIR are needed after the hosts",
            hint=f"`hostpool get {pattern} /etc/hosts hosts`: SRC is on the hosts, DESTDIR here",
        )

    def make(words: Sequence[str]) -> Get:
        *sources, directory = words
        return Get(
            tuple(sources),
            directory,
            flat=options.flat,
            verify=not options.no_verify,
            list_changes=options.check or options.verbose > 0,
        )

    return carry(options, pattern, rest, make)


SPEC = Spec("get", GetOptions, ("PATTERN", "SRC...", "DESTDIR"), run, _HELP, free=True)
