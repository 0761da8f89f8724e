"""The one way from a command to hosts and back: select, ask, run, show, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hostpool.errors import HostpoolError, UsageError

if TYPE_CHECKING:
    from hostpool.cli.again import Replay
    from hostpool.cli.inventories import Selected
    from hostpool.cli.options import HostOptions, Showing
    from hostpool.runner import RunReport, TaskFor
    from hostpool.settings import Settings
    from hostpool.tasks import Task

ASK_ABOVE = 50
"""Hosts above which `-b` asks once, at a terminal."""

_SECRET_VARIABLES = (
    "ansible_password",
    "ansible_ssh_password",
    "ansible_ssh_pass",
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_sudo_pass",
    "ansible_su_pass",
)

Prepare = Callable[["Selected", "Settings"], "Task | TaskFor"]


def pattern_and_rest(words: list[str]) -> tuple[str, list[str]]:
    """Raises UsageError when there is no pattern."""
    if not words:
        raise UsageError(
            "no hosts are named",
            hint="a pattern comes first: a group, a host, web[1-9], all; see `hostpool inventory graph`",
        )
    return words[0], words[1:]


def run_on(
    options: HostOptions, pattern: str, prepare: Prepare, *, largest_code: bool = False, data: bool = True
) -> int:
    """Everything that could be wrong is found before the first host is touched: it raises then.

    Returns the exit code. ``prepare`` makes the task, or what gives each host its own. Without ``data``
    people are not shown what tasks have for programs (``HostResult.result``).
    """
    from hostpool.cli.inventories import select

    selected = select(options, pattern)
    if options.list_hosts:
        return list_hosts(options, selected.hosts)
    from hostpool.cli.settings import settings

    connection = settings(options)
    task = prepare(selected, connection)
    _refuse_changed(options.replay, task)
    _confirm(options, len(selected.hosts), task)
    report = run_selected(options, selected, connection, task, largest_code=largest_code, data=data)
    return code_of(report, largest_code=largest_code)


def _refuse_changed(replay: Replay | None, task: Task | TaskFor) -> None:
    """What a rerun promises to be the same task has to be that."""
    if replay is None or replay.changed_ok:
        return
    from hostpool.cli.recording import fingerprint

    if replay.fingerprint != fingerprint(task):
        raise UsageError(
            f"{_name(task)}: what it brings along changed since run {replay.run}",
            hint="a local file, or standard input; --changed-ok takes it as it is now",
        )


def list_hosts(options: Showing, hosts: Iterable[str]) -> int:
    """``--list-hosts``."""
    if options.output in ("json", "jsonl"):
        import json

        sys.stdout.write(json.dumps(list(hosts)) + "\n")
    else:
        from hostpool.views.neutralise import one_line

        sys.stdout.writelines(f"{one_line(host)}\n" for host in hosts)
    return 0


def run_selected(
    options: HostOptions,
    selected: Selected,
    connection: Settings,
    task: Task | TaskFor,
    *,
    largest_code: bool = False,
    data: bool = True,
) -> RunReport:
    """Runs and shows. Raises all that is wrong with how hosts are to be reached, before the first one."""
    from hostpool.cli import audit, recording, secrecy
    from hostpool.cli.asking import asking
    from hostpool.cli.report import print_warning
    from hostpool.cli.settings import plan, view
    from hostpool.cli.signals import Signals
    from hostpool.cli.sinks import LargestCode, Shared, WithoutData
    from hostpool.pool import HostPool
    from hostpool.runner import Runner, Sink
    from hostpool.settings import FANOUT
    from hostpool.views import make_view, needs_output

    secrecy.known_secrets[:] = _secrets(selected, connection)
    watch = options.watch
    kind, view_options = (view if watch is None else watch.view)(options, secrecy.known_secrets)
    screen = make_view(kind, view_options)
    shown: Sink = screen
    if largest_code:
        shown = LargestCode(shown)
    if not data and kind in ("live", "plain"):
        shown = WithoutData(shown)
    shared = Shared(shown)
    name = _name(task)
    with HostPool(
        selected.inventory,
        workers=options.workers,
        fanout=options.fanout or FANOUT,
        settings=connection,
    ) as pool:
        for note in pool.prepare(selected.hosts):
            (print_warning if watch is None else shared.note)(note)
        pool.asker = asking(screen.paused) if watch is None else None
        sinks, number = recording.beside(
            options, selected.hosts, name, view_options, shared,
            fingerprint=recording.fingerprint(task), largest_code=largest_code,
        )  # fmt: skip
        runner = Runner(
            pool,
            sinks,
            plan=plan(options, options.changed_exit_code),
            all_output=needs_output(kind, view_options) or options.outdir is not None,
            argv=secrecy.masked(["hostpool", *sys.argv[1:]]),
            run_id=number,
        )
        if options.syslog:
            audit.write(
                runner.run_id,
                name,
                len(selected.hosts),
                become=(options.become_user or "root") if options.become else None,
                check=options.check,
            )
        with Signals(runner, shared):
            report = runner.run(selected.hosts, task, name)
    if watch is not None:
        watch.ended(report, secrecy.mask_text(name), recorded=number is not None)
    return report


def _name(task: Task | TaskFor) -> str:
    name: Any = getattr(task, "name", None)
    return name if isinstance(name, str) else "task"


def code_of(report: RunReport, *, largest_code: bool = False) -> int:
    """The exit code of a run that took place."""
    from hostpool.exit_codes import BUG, largest_remote

    for error in report.broken_sinks:
        if isinstance(error, BrokenPipeError):
            continue  # `| head` has seen enough; the run itself was not its business
        if not isinstance(error, OSError):
            raise error
        from hostpool.cli.report import print_error

        print_error(HostpoolError(f"the results could not be written: {error.strerror}"))
        return BUG
    if largest_code:
        return largest_remote(report.exit_code, (result.exit_code for result in report.results.values()))
    return report.exit_code


def _secrets(selected: Selected, connection: Settings) -> list[str]:
    """Every password this run knows: they are masked wherever a person or a file gets text."""
    from hostpool.templating import has_template, render

    found = {
        secret.reveal() for secret in (connection.password, connection.become_password) if secret is not None
    }
    for variables in (connection.extra_vars, *map(selected.inventory.vars_of, selected.hosts)):
        for name in _SECRET_VARIABLES:
            value = variables.get(name)
            if value is not None:
                found.add(str(render(value, variables, name) if has_template(value) else value))
    return sorted(found)


def _confirm(options: HostOptions, hosts: int, task: Task | TaskFor) -> None:
    """A slip as root on a whole fleet is dear; it is asked about once, where somebody can answer."""
    if not options.become or hosts <= ASK_ABOVE or options.yes or options.check or options.cron:
        return
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return
    from hostpool.views.neutralise import one_line

    user = options.become_user or "root"
    sys.stderr.write(f"Run `{one_line(_name(task))[:200]}` as {user} on {hosts} hosts? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer not in ("y", "yes"):
        raise UsageError("not confirmed: no host was touched", hint="-y/--yes does not ask")
