"""``hostpool rerun [RUN] --failed|…``: the task of a run again, on those of its hosts that need it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hostpool.cli import again, values
from hostpool.cli.again import Again, Invocation, Replay
from hostpool.cli.app import COMMANDS
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import Remembering, Showing
from hostpool.cli.spec import Spec
from hostpool.errors import ConfigError, UsageError
from hostpool.results import Status

if TYPE_CHECKING:
    from hostpool.history import Run

_HELP = """Do again what a run did (the last one, or number RUN), on those of its hosts that are chosen.

The command, its options and its inventory are those of that run; passwords are asked for again, and so is
every value that the history does not keep. Without a choice it prints what could be chosen and exits 2.
A playbook goes on where each host stood: at the task that failed, with the handlers that were pending.

\b
  hostpool rerun --failed
  hostpool rerun 42 --unreachable --not-run
"""
_CHOICES: dict[str, tuple[Status, ...]] = {
    "failed": ("failed", "timeout"),
    "unreachable": ("unreachable",),
    "lost": ("lost", "cancelled"),
    "not_run": ("not_run",),
}
_PICK = SECTIONS[0]


@flags
class RerunOptions(Showing, Remembering):
    failed: bool = flag("--failed", section=_PICK, help="Hosts that failed or ran into their time-out.")
    unreachable: bool = flag("--unreachable", section=_PICK, help="Hosts that could not be reached.")
    lost: bool = flag("--lost", section=_PICK, help="Hosts whose outcome is unknown: lost or cancelled.")
    not_run: bool = flag("--not-run", section=_PICK, help="Hosts that the run did not come to.")
    all: bool = flag("--all", section=_PICK, help="All of its hosts.")
    inventory: tuple[str, ...] = flag(
        "-i", "--inventory", metavar="SOURCE", section=_PICK, many=True, parse=values.source,
        help="Another inventory than the run's.",
    )  # fmt: skip
    changed_ok: bool = flag(
        "--changed-ok", section=_PICK, help="Take local files as they are now, if they changed since."
    )
    from_start: bool = flag(
        "--from-start", section=_PICK, help="A playbook from its start, not where each host stood."
    )
    list_hosts: bool = flag("--list-hosts", section=_PICK, help="Print the chosen hosts; run nothing.")
    yes: bool = flag(
        "-y", "--yes", section=SECTIONS[1], help="Do not ask before a large run as another user."
    )
    no_history: bool = flag("--no-history", section=SECTIONS[-1], help="Do not keep this run in the history.")


def run(options: RerunOptions, words: list[str]) -> int:
    from hostpool.cli.show import number_of
    from hostpool.cli.state import history_file
    from hostpool.history import History

    number = number_of(words[0]) if words else None
    if words and number is None:
        raise UsageError(f"{words[0]!r} is not the number of a run", hint="`hostpool history` lists the runs")
    with History(history_file(options)) as history:
        found = history.run(number)
        statuses = history.statuses(found)
        data = history.again(found.run)
        left = None if options.all or options.from_start else history.left(found.run)
    if found.alive:
        raise UsageError(f"run {found.run} is still going on", hint="rerun what it leaves when it has ended")
    chosen = {status for name, these in _CHOICES.items() if getattr(options, name) for status in these}
    hosts = tuple(host for host, status in statuses.items() if options.all or status in chosen)
    if not chosen and not options.all:
        raise UsageError(
            _plan(found, statuses), hint=f"choose, as in `hostpool rerun {found.run} {_usual(statuses)}`"
        )
    if not hosts:
        raise UsageError(f"run {found.run} has no such host", hint=_plan(found, statuses))
    if options.list_hosts:
        from hostpool.cli.job import list_hosts

        return list_hosts(options, hosts)
    if data is None:
        raise UsageError(f"run {found.run} was recorded without what is needed to repeat it")
    return _repeat(options, found, again.read(data), hosts, left)


def _plan(found: Run, statuses: dict[str, Status]) -> str:
    """What each choice would run on."""
    return "\n".join((f"nothing is chosen of run {found.run}, `{found.task}`:", *_choices(statuses)))


def _choices(statuses: dict[str, Status]) -> Iterator[str]:
    from hostpool.views.fold import names

    for name, these in _CHOICES.items():
        hosts = [host for host, status in statuses.items() if status in these]
        if hosts:
            yield f"--{name.replace('_', '-'):<12} {names(hosts)}"
    yield f"{'--all':<14} {names(list(statuses))}"


def _usual(statuses: dict[str, Status]) -> str:
    for name, these in _CHOICES.items():
        if any(status in these for status in statuses.values()):
            return f"--{name.replace('_', '-')}"
    return "--all"


def _repeat(
    options: RerunOptions, found: Run, call: Again, hosts: tuple[str, ...], left: bytes | None
) -> int:
    spec = _spec(call.command)
    inventory = tuple(os.path.abspath(each) if values.is_path(each) else each for each in options.inventory)  # noqa: PTH100
    if not inventory and "-" in call.inventory:
        raise UsageError(
            f"run {found.run} read its inventory from standard input, which is gone", hint="name one with -i"
        )
    showing: dict[str, Any] = {
        name: getattr(options, name)
        for name in (*Showing.__dataclass_fields__, *Remembering.__dataclass_fields__)
        if name != "max_output" or options.max_output is not None
    }
    if options.outdir is not None:
        showing["outdir"] = os.path.abspath(options.outdir)  # noqa: PTH100
    more = {
        **showing,
        "inventory": inventory or tuple(call.inventory),
        "inventory_typed": bool(inventory) or call.executable,
        "yes": options.yes,
        "no_history": options.no_history,
        "replay": Replay(found.run, hosts, call.fingerprint, options.changed_ok, left),
    }
    more = {name: value for name, value in more.items() if name in spec.options.__dataclass_fields__}
    _go_to(call.directory, found)
    restored, words = again.restored(call, spec.options, more, _asked)
    restored = replace(restored, invocation=Invocation(call.command, tuple(words)))
    return int(spec.run(restored, words))


def _spec(command: str) -> Spec[Any]:
    entry = COMMANDS.get(command)
    module: Any = importlib.import_module(entry[0]) if entry is not None else None
    spec = getattr(module, "SPEC", None)
    if spec is None or "replay" not in spec.options.__dataclass_fields__:
        raise UsageError(f"`hostpool {command}` cannot be repeated by rerun")
    found: Spec[Any] = spec
    return found


def _go_to(directory: str, found: Run) -> None:
    """Relative paths mean what they meant."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(
            f"run {found.run} was started in a directory that cannot be entered: {error.strerror}",
            file=directory,
        ) from error


def _asked(label: str) -> str:
    """The history does not keep secrets; whoever has them is asked."""
    from hostpool.cli import secrecy
    from hostpool.cli.passwords import asked

    try:
        value = asked(f"{label}: ", f"the history does not keep {label}: rerun")
    except ConfigError as error:
        error.hint = "run the whole command once more, with the value in it"
        raise
    secrecy.known_secrets.append(value)
    return value


SPEC: Spec[Any] = Spec("rerun", RerunOptions, ("[RUN]",), run, _HELP, free=True)
