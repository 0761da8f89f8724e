"""``hostpool cron list`` and ``hostpool cron line``."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hostpool.cli import values
from hostpool.cli.app import COMMANDS
from hostpool.cli.flags import SECTIONS, Flags, flag, flags
from hostpool.cli.options import Remembering
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Command as AnyCommand

    from hostpool.cli.crontab import Schedule
    from hostpool.cli.outcome import Memory

_LINE_HELP = """Print the line for `crontab -e` that runs the command at WHEN as the cron job NAME, checked.

WHEN has the five fields of a crontab, in quotes, or is @hourly, @daily and so on. With --systemd: a timer
and a service in its place.

\b
  hostpool cron line '*/10 * * * *' disks -- run -i /etc/hosts.yml all df -h
"""
_LATE = 1.5


@flags
class ListOptions(Remembering):
    output: Literal["plain", "json"] | None = flag(
        "-o", "--output", metavar="VIEW", section=SECTIONS[-1], parse=values.choice("plain", "json"),
        complete="plain json", help="plain, or json: a list of jobs.",
    )  # fmt: skip


@flags
class LineOptions(Flags):
    systemd: bool = flag("--systemd", section=SECTIONS[-1], help="Print a systemd timer and its service.")


def list_jobs(options: ListOptions, words: list[str]) -> int:
    from hostpool.cli.outcome import load, names
    from hostpool.cli.schedule import directories

    jobs = {name: load(file) for name, file in names(directories(options)).items()}
    if options.output == "json":
        import json

        sys.stdout.write(json.dumps([_as_data(name, memory) for name, memory in jobs.items()]) + "\n")
    elif jobs:
        sys.stdout.writelines(f"{line}\n" for line in _table(jobs))
    else:
        sys.stderr.write("no run with --cron yet\n")
    return 0


def _as_data(name: str, memory: Memory) -> dict[str, Any]:
    last = memory.last
    return {
        "name": name,
        "command": last and last.command,
        "last_started": last and last.started,
        "duration": last and last.ended - last.started,
        "exit_code": last and last.exit_code,
        "outcome": last and last.told,
        "run": last and last.run,
        "failures_in_a_row": memory.streak,
        "next_expected": memory.next_expected,
        "late": _late(memory),
    }


def _late(memory: Memory) -> bool:
    interval = memory.interval
    return interval is not None and time.time() > memory.starts[-1] + _LATE * interval + 60


def _table(jobs: dict[str, Memory]) -> Iterator[str]:
    from hostpool.views.neutralise import one_line

    rows = [("NAME", "LAST", "TOOK", "CODE", "NEXT", "OUTCOME"), *(_row(*job) for job in jobs.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(one_line(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(name: str, memory: Memory) -> tuple[str, ...]:
    from hostpool.cli.history import moment
    from hostpool.views.words import seconds

    last = memory.last
    if last is None:
        return name, "", "", "", "", "its file cannot be read"
    expected = memory.next_expected
    coming = "" if expected is None else f"{moment(expected)}{' late' if _late(memory) else ''}"
    took = seconds(last.ended - last.started)
    return name, moment(last.started), took, str(last.exit_code), coming, last.told


# -- the line ------------------------------------------------------------------------------------------


def line(options: LineOptions, words: list[str]) -> int:
    from hostpool.cli.crontab import parse

    if len(words) < 3:
        raise UsageError(
            "WHEN, NAME and a command are needed",
            hint="`hostpool cron line '*/10 * * * *' disks -- run -i /etc/hosts.yml all df -h`",
        )
    schedule = parse(words[0])
    try:
        name = values.job_name(words[1])
    except ValueError as error:
        raise UsageError(str(error)) from None
    command = _command(name, words[2:] if words[2] != "--" else words[3:])
    text = _systemd(schedule, name, command) if options.systemd else _crontab(schedule, command)
    sys.stdout.write(text)
    return 0


def _command(name: str, words: list[str]) -> list[str]:
    """The words of the command under cron, checked as if it was called. Raises for all that is wrong."""
    from hostpool.cli.config import merged
    from hostpool.cli.schedule import refuse
    from hostpool.cli.spec import said_by

    program = words[0] if words else ""
    if Path(program).name == "hostpool":
        words = words[1:]
        program = words[0] if words else ""
    module: Any = importlib.import_module(COMMANDS[program][0]) if program in COMMANDS else None
    spec = getattr(module, "SPEC", None)
    if spec is None or "cron" not in spec.options.__dataclass_fields__:
        raise UsageError(f"{program!r} is no command that runs on hosts", hint="run, script, put, sync, …")
    given = words[1:] if "--cron" in words else ["--cron", name, *words[1:]]
    parts = spec.split(given)
    refuse(merged(spec.options, said_by(spec, parts)))
    if not parts.words:
        raise UsageError(f"`hostpool {program}` needs hosts", hint="a pattern comes after its options")
    return [*_ourselves(), program, *_absolute(given, parts)]


def _absolute(given: list[str], parts: Any) -> list[str]:
    """Inventories that are here under a relative name get their whole one: cron starts elsewhere."""
    sources = {
        text for name, text in parts.given if name in ("-i", "--inventory") and text and values.is_path(text)
    }
    result = []
    for word in given:
        option, equals, text = word.partition("=")
        if word in sources:
            word = os.path.abspath(word)  # noqa: PTH100
        elif equals and option == "--inventory" and text in sources:
            word = f"{option}={os.path.abspath(text)}"  # noqa: PTH100
        elif word.startswith("-i") and word[2:] in sources:
            word = f"-i{os.path.abspath(word[2:])}"  # noqa: PTH100
        result.append(word)
    return result


def _ourselves() -> list[str]:
    """The program as cron finds it, whose PATH is short."""
    called = Path(sys.argv[0])
    if called.name == "hostpool" and called.exists():
        return [str(called.absolute())]
    found = shutil.which("hostpool")
    return [found] if found is not None else [sys.executable, "-m", "hostpool"]


def _crontab(schedule: Schedule, command: list[str]) -> str:
    text = shlex.join(command)
    if "\n" in text:
        raise UsageError("a line of a crontab cannot hold a line break", hint="put it into a script")
    # An unescaped % ends the command, and what follows becomes its standard input (crontab(5)).
    return f"{schedule.text} {text}".replace("%", "\\%") + "\n"


def _systemd(schedule: Schedule, name: str, command: list[str]) -> str:
    when = "".join(f"OnCalendar={calendar}\n" for calendar in schedule.calendar())
    # % and $ mean something to systemd (systemd.unit(5), systemd.service(5)).
    quoted = " ".join(_for_systemd(word) for word in command)
    return (
        f"# ~/.config/systemd/user/hostpool-{name}.timer (or /etc/systemd/system/…)\n"
        f"[Unit]\nDescription=hostpool {name}\n\n"
        f"[Timer]\n{when}Persistent=true\n\n"
        f"[Install]\nWantedBy=timers.target\n\n"
        f"# hostpool-{name}.service, beside it; then: systemctl --user enable --now hostpool-{name}.timer\n"
        f"[Unit]\nDescription=hostpool {name}\n\n"
        f"[Service]\nType=oneshot\nSuccessExitStatus=75\nExecStart={quoted}\n"
    )


def _for_systemd(word: str) -> str:
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    text = text.replace("\n", "\\n").replace("\t", "\\t")
    return text if text and all(letter not in text for letter in " ';\\\"") else f'"{text}"'


SPECS: tuple[Spec[Any], ...] = (
    Spec(
        "cron list", ListOptions, (), list_jobs, free=True,
        help="List the NAMEs of --cron: last run, how it ended, when the next one is expected.",
    ),
    Spec("cron line", LineOptions, ("WHEN", "NAME", "COMMAND..."), line, _LINE_HELP),
)  # fmt: skip


def command() -> AnyCommand:
    from hostpool.cli.command import CONTEXT, Command, Group

    return Group(
        name="cron",
        commands=[Command(spec) for spec in SPECS],
        help="List cron jobs; make lines for crontab.",
        context_settings=dict(CONTEXT),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
