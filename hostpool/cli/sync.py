"""``hostpool sync PATTERN SRC DEST``"""

from __future__ import annotations

from hostpool.cli.spec import Spec
from hostpool.cli.transfer_options import SyncOptions
from hostpool.errors import UsageError

_HELP = """Make DEST on every host that matches PATTERN equal to the local SRC.

SRC/ means what is in SRC, SRC itself goes to DEST/SRC (rsync's rule). Only what differs is sent. Files
are renamed into place, so nobody sees half of one. A host needs a POSIX sh, find and tar; no rsync.

\b
  hostpool sync web site/ /srv/site --delete
  hostpool sync all etc/ /etc -b -C -D         what would change, and how
"""


def run(options: SyncOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest
    from hostpool.cli.transfer_tasks import carry, sync_task

    pattern, rest = pattern_and_rest(words)
    if len(rest) != 2 and not options.list_hosts:
        raise UsageError(
            "SRC and DEST are needed after the hosts",
            hint=f"`hostpool sync {pattern} site/ /srv/site`: SRC is here, DEST on the hosts",
        )
    return carry(options, pattern, rest, lambda words: sync_task(options, *words))


SPEC = Spec("sync", SyncOptions, ("PATTERN", "SRC", "DEST"), run, _HELP, free=True)
