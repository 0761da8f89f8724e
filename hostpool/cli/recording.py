"""Begins the record of a run in the history. What goes wrong with that is a warning, never an error."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hostpool.cli import again, audit
from hostpool.cli.report import print_warning
from hostpool.cli.secrecy import mask_text
from hostpool.errors import HostpoolError

if TYPE_CHECKING:
    from hostpool.cli.again import Replay
    from hostpool.cli.options import Remembering, RunsOptions
    from hostpool.cli.sinks import Shared
    from hostpool.history import Limits, Recorder
    from hostpool.runner import Sink, TaskFor
    from hostpool.secrets import Masker
    from hostpool.tasks import FileSource, Task
    from hostpool.views import ViewOptions

Warn = Callable[[HostpoolError], None]


def beside(
    options: RunsOptions,
    hosts: Sequence[str],
    name: str,
    view: ViewOptions,
    shared: Shared,
    *,
    fingerprint: str | None = None,
    largest_code: bool = False,
) -> tuple[list[Sink], str | None]:
    """The sinks of a run: the history before ``shared`` (so that its warning is still shown), and what
    --outdir writes; and the run's number, None where nothing is or can be recorded."""
    from hostpool.cli.sinks import LargestCode
    from hostpool.views import make_outdir

    sinks: list[Sink] = [shared]
    if options.outdir is not None:
        sinks.append(make_outdir(options.outdir, view))
    if options.no_history:
        return sinks, None
    recorder = None
    try:
        recorder = _recorder(options, name, view.masker, shared.warn, fingerprint)
        number = recorder.begin(hosts)
    except HostpoolError as error:
        # The views have no run yet to which a warning belongs.
        shared.warn(error) if options.watch is not None else print_warning(error.message, error.hint)
        return sinks, None
    return [LargestCode(recorder) if largest_code else recorder, *sinks], str(number)


def _recorder(
    options: RunsOptions, name: str, masker: Masker, warn: Warn, fingerprint: str | None
) -> Recorder:
    from hostpool.cli.state import history_file
    from hostpool.history import About, Recorder
    from hostpool.views import mask_event

    who = audit.who(os.environ)
    return Recorder(
        history_file(options),
        About(
            command=options.invocation.command if options.invocation else "run",
            task=mask_text(name),
            pattern=_pattern(options),
            user=who["user"],
            sudo_user=who.get("sudo_user"),
            name=options.cron,
            again=_again(options, fingerprint),
        ),
        mask=lambda event: mask_event(event, masker),
        output=options.history_output,
        limits=limits(options),
        warn=warn,
    )


def limits(options: Remembering) -> Limits:
    from hostpool.history import Limits
    from hostpool.history.pruning import KEEP, MAX_SIZE

    return Limits(
        KEEP if options.history_keep is None else options.history_keep,
        MAX_SIZE if options.history_max_size is None else options.history_max_size,
    )


def _pattern(options: RunsOptions) -> str:
    replay: Replay | None = getattr(options, "replay", None)
    if replay is not None:
        return f"rerun of {replay.run}"
    words = options.invocation.words if options.invocation else ()
    parts = [words[0]] if words else []
    if options.limit is not None:
        parts.append(f"-l {options.limit}")
    parts += [f"-x {pattern}" for pattern in options.exclude]
    return " ".join(parts)


def _again(options: RunsOptions, fingerprint: str | None) -> bytes | None:
    from hostpool.cli.inventories import sources

    if options.invocation is None:
        return None
    try:
        return again.kept(options, options.invocation, sources(options), fingerprint, mask_text)
    except (OSError, TypeError):  # the current directory is gone; a value no JSON holds
        return None


def _typed(stdin: bytes | FileSource) -> bytes:
    """--stdin, as this process read it."""
    return stdin if isinstance(stdin, bytes) else b""


def fingerprint(task: Task | TaskFor) -> str | None:
    """Of the local files and the standard input that the task brings along; None when it brings none, or
    does not tell."""
    from hostpool.cli.subst import PerHost
    from hostpool.tasks import Command, Script

    if isinstance(task, PerHost) and task.tasks:
        return fingerprint(next(iter(task.tasks.values())))
    if isinstance(task, Script):
        return hashlib.sha256(task.data + _typed(task.stdin)).hexdigest()
    if isinstance(task, Command):
        stdin = _typed(task.stdin)
        return hashlib.sha256(stdin).hexdigest() if stdin else None
    found = getattr(task, "fingerprint", None)
    return found if isinstance(found, str) else None
