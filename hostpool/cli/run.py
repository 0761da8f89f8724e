"""``hostpool run PATTERN COMMAND...``"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostpool.cli.options import RunOptions
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.runner import TaskFor
    from hostpool.settings import Settings
    from hostpool.tasks import Task

_HELP = """Run a command on every host that matches PATTERN.

Options stand before or directly after PATTERN; the first other word, or what follows --, begins the
command. Its words are joined by single spaces and read by the login shell of each host.

\b
  hostpool run web uptime
  hostpool run 'web:!web3' -f 10 systemctl is-active nginx
  hostpool run all -b -K -- 'apt-get update | tail -1'
"""


def run(options: RunOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on

    pattern, rest = pattern_and_rest(words)
    if not rest and not options.list_hosts:
        raise UsageError(
            f"no command to run on {pattern!r}",
            hint=f"`hostpool run {pattern} uptime`; `hostpool ping {pattern}` only logs in",
        )
    return run_on(
        options,
        pattern,
        lambda selected, settings: _task(options, rest, selected, settings),
        largest_code=options.largest_code,
    )


def _task(options: RunOptions, words: list[str], selected: Selected, settings: Settings) -> Task | TaskFor:
    from hostpool.cli.tasks import command_task

    task = command_task(options, words)
    if not options.subst:
        return task
    from hostpool.cli.subst import per_host

    return per_host(task, selected, settings)


SPEC = Spec("run", RunOptions, ("PATTERN", "COMMAND..."), run, _HELP)
