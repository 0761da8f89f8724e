"""``hostpool facts PATTERN [NAME...]``"""

from __future__ import annotations

from hostpool.cli.options import HostOptions
from hostpool.cli.spec import Spec

_HELP = """Ask every host that matches PATTERN what it is: its system, hardware, addresses, file systems.

NAME: only facts of these names, * and ? stand for letters; ansible_ before a name may be left out. They
are the facts that playbooks have, of one program that sh runs. Equal answers are shown once.

\b
  hostpool facts web distribution distribution_version
  hostpool facts all 'default_ipv4' 'memtotal_mb' -o json
"""


def run(options: HostOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on
    from hostpool.tasks import Facts

    pattern, names = pattern_and_rest(words)
    return run_on(options, pattern, lambda selected, settings: Facts(tuple(names)))


SPEC = Spec("facts", HostOptions, ("PATTERN", "[NAME...]"), run, _HELP, free=True)
