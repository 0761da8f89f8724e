"""Begins the record of a run in the history. What goes wrong with that is a warning, never an error."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from hostpool.cli import again, audit
from hostpool.cli.secrecy import mask_text
from hostpool.errors import HostpoolError

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.cli.options import HostOptions, Remembering
    from hostpool.history import Limits, Recorder
    from hostpool.runner import TaskFor
    from hostpool.secrets import Masker
    from hostpool.tasks import Task

Warn = Callable[[HostpoolError], None]


def begin(
    options: HostOptions, selected: Selected, task: Task | TaskFor, name: str, masker: Masker, warn: Warn
) -> tuple[Recorder, int] | None:
    """The sink and the run's number; None where nothing is or can be recorded."""
    if options.no_history:
        return None
    from hostpool.cli.state import state_directory
    from hostpool.history import FILE_NAME, About, Recorder
    from hostpool.views import mask_event

    who = audit.who(os.environ)
    try:
        recorder = Recorder(
            state_directory(options) / FILE_NAME,
            About(
                command=options.invocation.command if options.invocation else "run",
                task=mask_text(name),
                pattern=_pattern(options),
                user=who["user"],
                sudo_user=who.get("sudo_user"),
                name=options.cron,
                again=_again(options, selected, task),
            ),
            mask=lambda event: mask_event(event, masker),
            output=options.history_output,
            limits=limits(options),
            warn=warn,
        )
        return recorder, recorder.begin(selected.hosts)
    except HostpoolError as error:
        warn(error)
        return None


def limits(options: Remembering) -> Limits:
    from hostpool.history import Limits
    from hostpool.history.pruning import KEEP, MAX_SIZE

    return Limits(
        KEEP if options.history_keep is None else options.history_keep,
        MAX_SIZE if options.history_max_size is None else options.history_max_size,
    )


def _pattern(options: HostOptions) -> str:
    if options.replay is not None:
        return f"rerun of {options.replay.run}"
    words = options.invocation.words if options.invocation else ()
    parts = [words[0]] if words else []
    if options.limit is not None:
        parts.append(f"-l {options.limit}")
    parts += [f"-x {pattern}" for pattern in options.exclude]
    return " ".join(parts)


def _again(options: HostOptions, selected: Selected, task: Task | TaskFor) -> bytes | None:
    from hostpool.cli.inventories import sources

    if options.invocation is None:
        return None
    found = sources(options)
    try:
        return again.kept(options, options.invocation, found, fingerprint(task), mask_text)
    except (OSError, TypeError):  # the current directory is gone; a value no JSON holds
        return None


def fingerprint(task: Task | TaskFor) -> str | None:
    """Of the local files that the task brings along; None when it brings none, or does not tell."""
    from hostpool.tasks import Script

    if isinstance(task, Script):
        return hashlib.sha256(task.data).hexdigest()
    found = getattr(task, "fingerprint", None)
    return found if isinstance(found, str) else None
