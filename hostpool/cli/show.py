"""``hostpool show [RUN] [HOST]``: a run of the history, as it looked at its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import Remembering
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError
from hostpool.events import RunFinished, RunStarted, TaskFinished
from hostpool.results import counts_of

if TYPE_CHECKING:
    from hostpool.history import History, Run
    from hostpool.views import ViewOptions

_HELP = """Show a run of the history as it looked at its end: the last one, or RUN; of it one HOST alone.

A HOST without RUN means the last run on that host. With --compare: which hosts ended otherwise than in run
OTHER, and how their outputs differ, equal differences together.

\b
  hostpool show
  hostpool show 42 web3
  hostpool show 42 --compare 41
"""


@flags
class ShowOptions(Remembering):
    other: int | None = flag(
        "--compare", metavar="OTHER", section=SECTIONS[-1], parse=values.count,
        help="Only what is not as it was in run OTHER.",
    )  # fmt: skip
    output: Literal["plain", "jsonl", "json", "junit"] | None = flag(
        "-o", "--output", metavar="VIEW", section=SECTIONS[-1],
        parse=values.choice("plain", "jsonl", "json", "junit"), complete="plain jsonl json junit",
        help="plain, jsonl, json or junit. [default: plain]",
    )  # fmt: skip
    quiet: bool = flag(
        "-q", "--quiet", section=SECTIONS[-1], help="Only hosts that are not well, and the summary."
    )
    no_fold: bool = flag("--no-fold", section=SECTIONS[-1], help="Do not join hosts with equal results.")


def run(options: ShowOptions, words: list[str]) -> int:
    from hostpool.cli.state import history_file
    from hostpool.history import History

    with History(history_file(options)) as history:
        found, host = _named(history, words)
        if options.other is not None:
            return _compare(options, history, found, host)
        _show(options, history, found, host)
    return 0


def number_of(word: str) -> int | None:
    """A run's number, also as ``#42``."""
    digits = word.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 15 else None


def _named(history: History, words: list[str]) -> tuple[Run, str | None]:
    if not words:
        return history.run(), None
    number = number_of(words[0])
    if number is not None:
        found, rest = history.run(number), words[1:]
    elif len(words) == 1:
        found, rest = history.last_of(words[0]), words
    else:
        raise UsageError(f"{words[0]!r} is not the number of a run", hint="`hostpool history` lists the runs")
    host = rest[0] if rest else None
    if host is not None and host not in history.names(found):
        raise UsageError(
            f"run {found.run} was not on a host {host!r}", hint=f"`hostpool show {found.run}` names its hosts"
        )
    return found, host


def _show(options: ShowOptions, history: History, found: Run, host: str | None) -> None:
    from hostpool.views import make_view

    kind = options.output or "plain"
    view = make_view(kind, _view_options(options))
    if kind == "plain":
        sys.stderr.write("".join(f"{line}\n" for line in _heading(found)))
        sys.stderr.flush()
    names = history.names(found) if host is None else [host]
    try:
        view.handle(RunStarted(ts=found.started, run=str(found.run), hosts=tuple(names), task=found.task))
        results = []
        for step in history.steps(found):
            if host is None or not isinstance(step, TaskFinished) or step.host == host:
                view.handle(step)
        for result in history.results(found, host):
            results.append(result.status)
            view.handle(result)
        if found.exit_code is not None:
            counts = counts_of([])
            for status in results:
                counts[status] += 1
            view.handle(
                RunFinished(
                    ts=found.finished or 0.0,
                    run=str(found.run),
                    counts=counts,
                    duration=found.duration or 0.0,
                    exit_code=found.exit_code,
                    interrupted=found.interrupted,
                )
            )
    finally:
        view.close()


def _heading(found: Run) -> Iterable[str]:
    from hostpool.cli.history import moment, title
    from hostpool.views.neutralise import one_line

    who = found.user if found.sudo_user is None else f"{found.user} (sudo by {found.sudo_user})"
    pattern = f" on {found.pattern}" if found.pattern else ""
    cron = f", --cron {found.name}" if found.name else ""
    yield one_line(f"run {found.run}: `{title(found)}`{pattern}, by {who}, {moment(found.started)}{cron}")
    if found.alive:
        yield "it is still going on"
    elif found.exit_code is None:
        yield f"it was killed; `hostpool rerun {found.run} --not-run` does what it left undone"


def _view_options(options: ShowOptions) -> ViewOptions:
    from hostpool.views import ViewOptions, wants_color

    return ViewOptions(
        stdout=sys.stdout.buffer,
        stderr=sys.stderr.buffer,
        quiet=options.quiet,
        fold=not options.no_fold,
        color=wants_color(sys.stdout.buffer, os.environ),
    )


def _compare(options: ShowOptions, history: History, found: Run, host: str | None) -> int:
    from hostpool.views.changes import Changes

    if options.output not in (None, "plain"):
        raise UsageError(
            "--compare is for people: -o plain", hint="`hostpool show RUN -o json`, twice, is for programs"
        )
    assert options.other is not None
    other = history.run(options.other)
    changes = Changes(f"run {other.run}", f"run {found.run}", together=not options.no_fold)
    for result in history.results(other, host):
        changes.before(result)
    for result in history.results(found, host):
        changes.after(result)
    sys.stdout.write("".join(changes.lines()))
    changes.close()
    return 0


SPEC: Spec[Any] = Spec("show", ShowOptions, ("[RUN]", "[HOST]"), run, _HELP, free=True)
