"""From options and words to the task that runs on the hosts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hostpool.errors import UsageError
from hostpool.tasks import Command, Script, Verdict

if TYPE_CHECKING:
    from hostpool.cli.options import CommandOptions, RunOptions

_LARGEST_SCRIPT = 64 << 20


def command_task(options: RunOptions, words: list[str]) -> Command:
    """The words joined by single spaces, nothing re-quoted: the host's shell reads them."""
    if options.raw:
        _refuse_with_raw(options)
    return Command(
        " ".join(words),
        verdict=verdict(options),
        env=options.env,
        chdir=options.chdir,
        tty=options.tty,
        raw=options.raw,
        stdin=_stdin(options),
    )


def script_task(options: CommandOptions, file: str, args: tuple[str, ...]) -> Script:
    """Raises UsageError when the file cannot be read."""
    path = Path(file)
    try:
        if path.stat().st_size > _LARGEST_SCRIPT:
            raise UsageError("that is no script: it is larger than 64 MiB", file=file)
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the script cannot be read: {error.strerror}",
            file=file,
            hint="the file is one of this machine; a command on the hosts: `hostpool run PATTERN COMMAND`",
        ) from error
    return Script(
        path.name,
        data,
        args=args,
        verdict=verdict(options),
        env=options.env,
        chdir=options.chdir,
        tty=options.tty,
        stdin=_stdin(options),
    )


def verdict(options: CommandOptions) -> Verdict:
    return Verdict(
        ok_codes=frozenset({0}) if options.ok_codes is None else options.ok_codes,
        changed_code=options.changed_code,
    )


def _stdin(options: CommandOptions) -> bytes:
    if not options.stdin:
        return b""
    if "-" in options.inventory:
        raise UsageError("standard input cannot be both the inventory (-i -) and --stdin")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("--stdin, but our standard input is closed")
    return sys.stdin.buffer.read()


def _refuse_with_raw(options: RunOptions) -> None:
    given = {
        "--env": options.env,
        "--chdir": options.chdir,
        "-b/--become": options.become,
    }
    for name, value in given.items():
        if value:
            raise UsageError(
                f"{name} needs a shell on the host, and --raw promises to use none",
                hint="leave --raw out, or write it into the command",
            )
