"""Cron mode: one run of the job NAME, under its lock, reported only when there is something to tell."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hostpool import exit_codes
from hostpool.cli import joblock, outcome
from hostpool.cli.joblock import Held, Holder
from hostpool.cli.outcome import Memory, Notice, Outcome
from hostpool.cli.state import state_directory
from hostpool.errors import ConfigError, HostpoolError
from hostpool.history.process import machine
from hostpool.results import GOOD, HostResult
from hostpool.secrets import Masker
from hostpool.views.mail import Paper, bad_hosts, changed_hosts, report
from hostpool.views.words import hosts_word, seconds

if TYPE_CHECKING:
    from hostpool.cli.options import HostOptions, Remembering, Showing
    from hostpool.runner import RunReport
    from hostpool.views import Kind, ViewOptions

Options = TypeVar("Options", bound="HostOptions")
DEADLINE = 3600.0


class Watch:
    """Takes the place of the person who watches: collects what would have been shown."""

    def __init__(self) -> None:
        self.paper = Paper()
        self.report: RunReport | None = None
        self.task = ""
        self.recorded = False

    def view(self, options: Showing, secrets: Iterable[str]) -> tuple[Kind, ViewOptions]:
        self.paper = Paper()
        masker = Masker(secrets)
        return "plain", self.paper.options(
            masker, quiet=options.quiet, fold=not options.no_fold, compare=options.compare
        )

    def ended(self, report: RunReport, task: str, *, recorded: bool) -> None:
        self.report, self.task, self.recorded = report, task, recorded


def scheduled(options: Options, run: Callable[[Options], int]) -> int:
    """Runs the command as a cron job; returns its exit code. Raises HostpoolError only for what is wrong
    with cron mode itself; what the run raises is told as any other failure, not every time."""
    assert options.cron is not None
    refuse(options)
    directory = _directory(options)
    if options.jitter:
        time.sleep(random.uniform(0, options.jitter))
    deadline = options.deadline or DEADLINE
    files = _Files(directory, options.cron)
    try:
        with joblock.locked(files.lock, options.overlap or "skip", deadline=deadline, patience=deadline):
            return _run(dataclasses.replace(options, deadline=deadline, output="plain"), run, files)
    except Held as held:
        _tell_overdue(options.cron, held.holder, files)
        return exit_codes.LOCK_HELD


@dataclasses.dataclass(frozen=True)
class _Files:
    directory: Path
    name: str

    @property
    def lock(self) -> Path:
        return self.directory / f"{self.name}.lock"

    @property
    def memory(self) -> Path:
        return self.directory / f"{self.name}.json"

    @property
    def overdue(self) -> Path:
        return self.directory / f"{self.name}.overdue"


def directories(options: Remembering) -> list[Path]:
    """Where locks and outcomes may be: the state directory, else one below /tmp that is ours alone."""
    found = []
    try:
        found.append(state_directory(options) / "cron")
    except ConfigError:
        pass
    return [*found, Path(tempfile.gettempdir()) / f"hostpool-{os.getuid()}"]


def _directory(options: Remembering) -> Path:
    """The first that can be written to. Raises ConfigError."""
    for directory in directories(options):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        status = directory.lstat()
        if status.st_uid == os.getuid() and not status.st_mode & 0o022 and os.access(directory, os.W_OK):
            return directory
    raise ConfigError(
        "there is no directory for the lock and the outcomes of cron jobs",
        hint="HOSTPOOL_STATE_DIR=/var/lib/hostpool names one that this user can write to",
    )


def refuse(options: HostOptions) -> None:
    """Raises ConfigError for what cannot be under cron."""
    if not options.inventory:
        raise ConfigError(
            "--cron needs an inventory that is named: cron starts in another directory than you",
            hint="-i /path/to/hosts.yml (or HOSTPOOL_INVENTORY, or inventory in the config.toml)",
        )
    if options.ask_pass or options.ask_become_pass or getattr(options, "ask_vault_pass", False):
        raise ConfigError(
            "--cron cannot ask for a password: nobody is there",
            hint="--connection-password-file, --become-password-file or --vault-password-file FILE",
        )
    if options.output not in (None, "live", "plain"):
        raise ConfigError(
            f"--cron prints a report for a mail, -o {options.output} is for programs",
            hint="leave one out; afterwards `hostpool show -o json` has the run",
        )
    if options.stream:
        raise ConfigError("--stream has nobody to show lines to under --cron", hint="leave it out")


def _run(options: Options, run: Callable[[Options], int], files: _Files) -> int:
    watch = Watch()
    started = time.time()
    try:
        code = run(dataclasses.replace(options, watch=watch))
        error = None
    except HostpoolError as raised:
        code, error = exit_codes.of_error(raised), raised
    if watch.report is None and error is None:
        return code  # --list-hosts and the like
    ended = _outcome(watch, code, error, started)
    memory = outcome.load(files.memory)
    notice, remembered = outcome.decide(
        memory,
        ended,
        renotify=outcome.RENOTIFY if options.renotify is None else options.renotify,
        notify_after=options.notify_after or 1,
    )
    facts = []
    try:
        outcome.save(files.memory, remembered)
    except OSError as failure:
        facts.append(f"what happened cannot be remembered: {files.memory}: {failure.strerror}")
    if notice is not None or facts:
        _print(_mail(files.name, notice, ended, memory, watch, error, facts))
    return code


def _outcome(watch: Watch, code: int, error: HostpoolError | None, started: float) -> Outcome:
    if error is not None:
        told = "it could not run: " + (_message(error))
        return Outcome(
            started=started, ended=time.time(), exit_code=code, told=told, command=watch.task,
            signature=_digest([("error", told)]),
        )  # fmt: skip
    found = watch.report
    assert found is not None
    bad = [_kind(result) for result in found.results.values() if result.status not in GOOD]
    changed = found.counts.get("changed", 0) > 0
    told = f"{hosts_word(len(found.results))} ok"
    if bad:
        told = bad_hosts(found.results)
    elif changed:
        told = changed_hosts(found.results)
    return Outcome(
        started=started, ended=time.time(), exit_code=code, told=told, command=watch.task,
        signature=_digest(bad) if bad else "", changed=changed, run=found.run if watch.recorded else None,
    )  # fmt: skip


def _kind(result: HostResult) -> tuple[object, ...]:
    """What makes two failures of a host the same: not its output, in which there may be a date."""
    return result.host, result.status, result.exit_code, result.signal, result.error and result.error.kind


def _digest(parts: Iterable[tuple[object, ...]]) -> str:
    return hashlib.sha256(repr(sorted(parts, key=repr)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _message(error: HostpoolError) -> str:
    from hostpool.cli.report import lines

    return next(iter(lines(error))).removeprefix("error: ")


def _mail(
    name: str, notice: Notice | None, ended: Outcome, memory: Memory, watch: Watch,
    error: HostpoolError | None, facts: list[str],
) -> str:  # fmt: skip
    told = ended.told
    since = "" if memory.bad_since is None else f" since {_moment(memory.bad_since)}"
    if notice == "still":
        told = f"still {told}{since}"
    elif notice == "recovered":
        told = f"recovered, {told} (not well{since})"
    took = seconds(ended.ended - ended.started)
    what = f"`{watch.task}`" if watch.task else "it"
    when = f"began {_moment(ended.started)} on {machine()}, took {took}"
    facts = [f"{what} {when}, exit code {ended.exit_code}", *facts]
    if error is not None:
        from hostpool.cli.report import lines

        body = list(lines(error))
    else:
        body = watch.paper.lines()
    rest = f"hostpool show {ended.run}" if ended.run else "not kept: the run was not recorded in the history"
    return report(f"hostpool {name}: {told}", facts, body, rest)


def _moment(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(when))


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _tell_overdue(name: str, holder: Holder | None, files: _Files) -> None:
    """Once for each holder that should have ended."""
    now = time.time()
    if holder is None or not holder.overdue(now):
        return
    try:
        if files.overdue.read_text("utf-8") == holder.process:
            return
    except OSError:
        pass
    try:
        files.overdue.write_text(holder.process, "utf-8")
    except OSError:
        pass
    long = seconds(now - holder.started)
    began = f"began {_moment(holder.started)} and was to end within {seconds(holder.deadline)}"
    _print(
        report(
            f"hostpool {name}: a run has been going on for {long}, this one was skipped",
            [f"process {holder.pid} on {machine()} {began}"],
            [f"look at it: ps -fp {holder.pid}", "--overlap kill ends it when the next run begins"],
            "",
        )
    )
