"""From options and words to the tasks that carry files; what is wrong here is found before any host."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hostpool.errors import HostpoolError, Problems, UsageError
from hostpool.tasks.files import MAX_DELETE, Put, Sync

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.cli.transfer_options import FilterWord, GetOptions, PutOptions, SendingOptions, SyncOptions
    from hostpool.runner import TaskFor
    from hostpool.settings import Settings
    from hostpool.tasks import Get, Task

_MARKED = re.compile(r"%[hnu%]|\{\{|\{%")
"""In words that stand for others until --subst has replaced them."""
Make = Callable[[Sequence[str]], "Sync | Put | Get"]


def sync_task(options: SyncOptions, source: str, dest: str) -> Sync:
    """Raises UsageError for a SRC that is not there, or is empty while --delete is on."""
    if not (options.subst and _MARKED.search(source)):
        check_sources([source])
    path = Path(source)
    if options.delete and path.is_dir() and not any(path.iterdir()):
        raise UsageError(
            f"{source} is empty, and --delete would empty {dest} on every host",
            hint="is it mounted? To delete on purpose, run a command on the hosts",
        )
    return Sync(
        source,
        dest,
        delete=options.delete,
        max_delete=MAX_DELETE if options.max_delete is None else options.max_delete,
        checksum=options.checksum,
        filters=filters((*options.exclude_files, *options.include_files, *options.exclude_from)),
        owner=options.owner or "",
        group=options.group or "",
        chmod=options.chmod or "",
        in_place=options.in_place,
        verify=options.verify,
        diff=options.diff,
        list_changes=_lists(options),
    )


def put_task(options: PutOptions, sources: Sequence[str], dest: str, as_name: str | None = None) -> Put:
    check_sources([source for source in sources if not (options.subst and _MARKED.search(source))])
    return Put(
        tuple(sources),
        dest,
        mode=options.mode or "",
        owner=options.owner or "",
        group=options.group or "",
        in_place=options.in_place,
        verify=not options.no_verify,
        diff=options.diff,
        list_changes=_lists(options),
        as_name=as_name,
        fingerprint=None if as_name is None else _digest(sources[0]),
    )


def _digest(name: str) -> str:
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lists(options: PutOptions | SyncOptions) -> bool:
    return options.check or options.diff or options.verbose > 0


def check_sources(sources: Sequence[str]) -> None:
    """Raises for every local path that is not there."""
    errors: list[HostpoolError] = []
    for source in sources:
        try:
            found = Path(source).stat()
        except OSError as error:
            hint = "SRC is a path of this machine; `hostpool get` brings files from hosts"
            errors.append(UsageError(f"cannot read {source}: {error.strerror}", hint=hint))
            continue
        if source.endswith("/") and not Path(source).is_dir():
            errors.append(UsageError(f"{source} is no directory", hint="leave the / at its end out"))
        elif found.st_mode & 0o170000 not in (0o100000, 0o040000):
            errors.append(UsageError(f"{source} is neither a file nor a directory"))
    if errors:
        raise Problems.of(errors)


def filters(words: Sequence[FilterWord]) -> tuple[tuple[str, str], ...]:
    """The filter options in the order in which they stood, as (kind, pattern). Raises UsageError."""
    rules: list[tuple[str, str]] = []
    for _, kind, value in sorted(words):
        if kind == "exclude-from":
            rules += _from_file(value)
        else:
            rules.append((kind, value))
    return tuple(rules)


def _from_file(name: str) -> list[tuple[str, str]]:
    from hostpool.sync.filters import rules_of_file

    try:
        with Path(name).expanduser().open("rb") as file:
            rules = rules_of_file(file)
    except OSError as error:
        raise UsageError(f"--exclude-from: cannot be read: {error.strerror}", file=name) from error
    return [
        ("include" if rule.include else "exclude", rule.pattern.decode("utf-8", "surrogateescape"))
        for rule in rules
    ]


def carry(options: SendingOptions | GetOptions, pattern: str, words: Sequence[str], make: Make) -> int:
    """Runs what ``make`` makes of the words; returns the exit code. Nothing packed stays behind, however
    the workers ended."""
    from hostpool.cli.job import run_on

    keys: list[str] = []

    def prepare(selected: Selected, settings: Settings) -> Task | TaskFor:
        plain = make(words)
        keys.append(plain.key)
        return _per_host(options, words, make, plain, selected, settings)

    try:
        return run_on(options, pattern, prepare)
    finally:
        from hostpool.worker.spool import discard

        for key in keys:
            discard(key)


def _per_host(
    options: SendingOptions | GetOptions,
    words: Sequence[str],
    make: Make,
    plain: Sync | Put | Get,
    selected: Selected,
    settings: Settings,
) -> Task | TaskFor:
    """Under --subst each host's own task. Hosts with the same sources share what is read and packed."""
    if not options.subst:
        return plain
    from hostpool.cli.subst import PerHost, words_per_host

    keys: dict[tuple[tuple[str, ...], str | None], str] = {}
    tasks: dict[str, Task] = {}
    for host, own in words_per_host(words, selected, settings).items():
        made = make(own)
        name = made.as_name if isinstance(made, Put) else None
        tasks[host] = replace(made, key=keys.setdefault((own[:-1], name), f"{plain.key}{len(keys)}"))
    return PerHost(plain.name, tasks)


def stdin_file(dest: str, uses_stdin: bool) -> Path:
    """Our standard input as a file of its own, which the caller removes. Raises UsageError."""
    if uses_stdin:
        raise UsageError("standard input cannot be both the inventory (-i -) and the file")
    if not dest.rpartition("/")[2]:
        raise UsageError("what comes from standard input has no name: DEST must be a file, not a directory")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("-, but our standard input is closed")
    handle, name = tempfile.mkstemp(prefix="hostpool-stdin-")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            while data := sys.stdin.buffer.read(1 << 20):
                file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)
    except BaseException:
        path.unlink()
        raise
    return path
