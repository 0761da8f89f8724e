"""``hostpool history``: which runs there were; ``hostpool history prune`` forgets old ones."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import Remembering
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError
from hostpool.results import STATUSES, Status

if TYPE_CHECKING:
    from hostpool.history import Run

_HELP = """List the runs of the history, the newest first; `hostpool show RUN` has all of one.

`hostpool history prune` forgets runs older than --keep, and the oldest ones while the history is larger
than --max-size; so does every run, once a day, by history-keep and history-max-size of the configuration.

\b
  hostpool history --host web3 --status failed
  hostpool history --since 2d --command apt-get
"""
_SHOWN = 20
_COMMAND = 60


@flags
class HistoryOptions(Remembering):
    host: str | None = flag(
        "--host", metavar="HOST", section=SECTIONS[0], parse=values.text, complete="hosts",
        help="Only runs on this host; 'web*' is a glob.",
    )  # fmt: skip
    status: Status | None = flag(
        "--status", metavar="STATUS", section=SECTIONS[0], parse=values.choice(*STATUSES),
        complete=" ".join(STATUSES), help="Only runs in which a host ended like this.",
    )  # fmt: skip
    since: float | None = flag(
        "--since", metavar="TIME", section=SECTIONS[0], parse=values.since,
        help="Only runs that began since then: 2h, 3d, 2026-11-24, '2026-11-24 06:30'.",
    )  # fmt: skip
    command: str | None = flag(
        "--command", metavar="TEXT", section=SECTIONS[0], parse=values.text,
        help="Only runs with this in what was run.",
    )  # fmt: skip
    name: str | None = flag(
        "--name", metavar="NAME", section=SECTIONS[0], parse=values.text, help="Only runs of --cron NAME."
    )  # fmt: skip
    last: int | None = flag(
        "-n", "--last", metavar="N", section=SECTIONS[-1], parse=values.count,
        help="The last N of them. [default: 20; with -o json all]",
    )  # fmt: skip
    output: Literal["plain", "json"] | None = flag(
        "-o", "--output", metavar="VIEW", section=SECTIONS[-1], parse=values.choice("plain", "json"),
        complete="plain json", help="plain, or json: a list of runs.",
    )  # fmt: skip
    keep: float | None = flag(
        "--keep", metavar="TIME", section=SECTIONS[1], parse=values.seconds,
        help="With prune: forget runs older than this (30d).",
    )  # fmt: skip
    max_size: int | None = flag(
        "--max-size", metavar="SIZE", section=SECTIONS[1], parse=values.size,
        help="With prune: then the oldest ones, until the history is not larger than this (1G).",
    )  # fmt: skip


def run(options: HistoryOptions, words: list[str]) -> int:
    if words and words[0] != "prune":
        raise UsageError(
            f"hostpool history has no command {words[0]!r}",
            hint="`hostpool history` lists runs, `hostpool history prune` forgets old ones",
        )
    if words:
        return _prune(options)
    for name, value in (("--keep", options.keep), ("--max-size", options.max_size)):
        if value is not None:
            raise UsageError(f"{name} belongs to `hostpool history prune`")
    return _list(options)


def _list(options: HistoryOptions) -> int:
    from hostpool.cli.state import history_file
    from hostpool.history import History, Query

    as_json = options.output == "json"
    with History(history_file(options)) as history:
        runs = history.runs(
            Query(
                host=options.host,
                status=options.status,
                since=options.since,
                command=options.command,
                name=options.name,
                limit=options.last or (None if as_json else _SHOWN),
            )
        )
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(runs).decode() + "\n")
    elif runs:
        sys.stdout.writelines(f"{line}\n" for line in _table(runs))
    else:
        sys.stderr.write("no run of the history is like that\n" if _asks(options) else "no runs yet\n")
    return 0


def _asks(options: HistoryOptions) -> bool:
    return any((options.host, options.status, options.since, options.command, options.name))


def _table(runs: list[Run]) -> Iterator[str]:
    from hostpool.views.neutralise import one_line

    rows = [("RUN", "BEGAN", "USER", "TOOK", "CODE", "HOSTS", "COMMAND"), *map(_row, runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = (0, 3, 4)
    for row in rows:
        cells = [
            one_line(cell).rjust(width) if column in right else one_line(cell).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _row(run: Run) -> tuple[str, ...]:
    from hostpool.views.words import seconds

    user = run.user if run.sudo_user is None else f"{run.user} ({run.sudo_user})"
    code = "running" if run.alive else "killed" if run.exit_code is None else str(run.exit_code)
    took = "" if run.duration is None else seconds(run.duration)
    task = title(run)
    if len(task) > _COMMAND:
        task = task[: _COMMAND - 1] + "…"
    name = f"[{run.name}] " if run.name else ""
    return str(run.run), moment(run.started), user, took, code, hosts(run), name + task


def title(run: Run) -> str:
    """The command and what it was to do, the command once (a transfer's task begins with it)."""
    if run.command == "run" or f"{run.task} ".startswith(f"{run.command} "):
        return run.task
    return f"{run.command} {run.task}"


def hosts(run: Run) -> str:
    """``3 ok, 1 failed``."""
    from hostpool.views.words import tally

    return ", ".join(text for _, text in tally(run.counts)) or "0"


def moment(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def _prune(options: HistoryOptions) -> int:
    from hostpool.cli.recording import limits
    from hostpool.cli.state import history_file
    from hostpool.history import Limits, prune
    from hostpool.views.words import amount

    usual = limits(options)
    wanted = Limits(
        usual.keep if options.keep is None else options.keep,
        usual.max_size if options.max_size is None else options.max_size,
    )
    forgotten, size = prune(history_file(options), wanted)
    runs = "1 run" if forgotten == 1 else f"{forgotten} runs"
    sys.stderr.write(f"{runs} forgotten; the history holds {amount(size, 0, 'bytes')}\n")
    return 0


SPEC: Spec[Any] = Spec("history", HistoryOptions, ("[prune]",), run, _HELP, free=True)
