"""``hostpool ping PATTERN``"""

from __future__ import annotations

from hostpool.cli.options import HostOptions
from hostpool.cli.spec import Spec

_HELP = """Log in to every host that matches PATTERN and run a command that does nothing.

It proves what a run needs: the host is there, its key is known, we get in, and a shell answers.
"""


def run(options: HostOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on
    from hostpool.tasks import Ping

    pattern, _ = pattern_and_rest(words)
    return run_on(options, pattern, lambda selected, settings: Ping())


SPEC = Spec("ping", HostOptions, ("PATTERN",), run, _HELP, free=True)
