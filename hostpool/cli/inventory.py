"""``hostpool inventory list|graph|show|check``: what the inventory says, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from typing import Any, Literal

from typer._click.core import Command as AnyCommand

from hostpool import exit_codes
from hostpool.cli import values
from hostpool.cli.command import CONTEXT, Command, Group
from hostpool.cli.flags import SECTIONS, Flags, flag, flags
from hostpool.cli.options import Selecting, Sources
from hostpool.cli.spec import Spec
from hostpool.errors import HostpoolError, InventoryError, UsageError

_OUTPUT = SECTIONS[-1]


@flags
class Printing(Flags):
    output: Literal["plain", "json"] = flag(
        "-o", "--output", metavar="VIEW", section=_OUTPUT, parse=values.choice("plain", "json"),
        complete="plain json", help="plain or json. [default: plain]",
    )  # fmt: skip


@flags
class ListOptions(Selecting, Printing):
    """Of ``list``."""


@flags
class ShowOptions(Sources, Printing):
    """Of ``show`` and ``check``."""


@flags
class GraphOptions(Sources):
    vars: bool = flag("--vars", section=_OUTPUT, help="Show the variables too.")


def list_hosts(options: ListOptions, words: list[str]) -> int:
    from hostpool.cli.inventories import select

    selected = select(options, words[0] if words else "all")
    if options.output == "json":
        everything = not words and options.limit is None and not options.exclude and options.pick is None
        _print_json(selected.inventory.to_ansible_list(None if everything else selected.hosts))
    else:
        _print_lines(selected.hosts)
    return exit_codes.OK


def graph(options: GraphOptions, words: list[str]) -> int:
    from hostpool.cli.inventories import loaded

    text = loaded(options).graph(words[0] if words else "all", vars=options.vars)
    _print_lines(text.split("\n"))
    return exit_codes.OK


def show(options: ShowOptions, words: list[str]) -> int:
    from hostpool.cli import extra_vars
    from hostpool.cli.inventories import loaded

    if not words:
        raise UsageError("no host is named", hint="`hostpool inventory list` prints their names")
    inventory = loaded(options)
    view = {**inventory.host_view(words[0]), **extra_vars.parse(options.extra_vars)}
    if options.output == "json":
        _print_json(view)
        return exit_codes.OK
    groups = ", ".join(inventory.groups_of(words[0])) or "none"
    shown = [f"{name}: {_as_text(value)}" for name, value in sorted(view.items())]
    _print_lines([words[0], f"  groups: {groups}", *(f"  {line}" for line in shown)])
    return exit_codes.OK


def check(options: ShowOptions, words: list[str]) -> int:
    from hostpool.cli.inventories import NO_INVENTORY, sources
    from hostpool.inventory import WARNING
    from hostpool.inventory import check as problems_of

    found = sources(options)
    if not found:
        raise InventoryError("there is no inventory to check", hint=NO_INVENTORY)
    problems = problems_of(found, allow_executable=options.inventory_typed)
    errors = [problem for problem in problems if problem.kind != WARNING]
    if options.output == "json":
        _print_json([_as_data(problem) for problem in problems])
    else:
        _print_problems(problems)
        slips = len(problems) - len(errors)
        _print_lines([f"{', '.join(found)}: {_times(len(errors), 'error')}, {_times(slips, 'likely slip')}"])
    return exit_codes.USAGE if errors else exit_codes.OK


def _print_problems(problems: list[InventoryError]) -> None:
    from hostpool.cli.report import lines
    from hostpool.inventory import WARNING

    for problem in problems:
        word = "warning" if problem.kind == WARNING else "error"
        _print_lines([*lines(problem, word), ""])


def _as_data(problem: HostpoolError) -> dict[str, Any]:
    names = ("kind", "message", "hint", "file", "line", "column")
    return {name: getattr(problem, name) for name in names}


def _times(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _print_json(data: object) -> None:
    """As ansible-inventory lays it out, so that the two can be compared."""
    sys.stdout.write(json.dumps(data, indent=4, sort_keys=True) + "\n")


def _print_lines(lines: Any) -> None:
    from hostpool.views.neutralise import one_line

    sys.stdout.writelines(f"{one_line(line)}\n" for line in lines)


SPECS: tuple[Spec[Any], ...] = (
    Spec(
        "inventory list", ListOptions, ("[PATTERN]",), list_hosts, free=True,
        help="Print the hosts that match PATTERN (all), one a line.\n\n"
        "With -o json: what `ansible-inventory --list` prints.",
    ),
    Spec(
        "inventory graph", GraphOptions, ("[GROUP]",), graph, free=True,
        help="Draw the groups below GROUP (all) and their hosts.",
    ),
    Spec(
        "inventory show", ShowOptions, ("HOST",), show, free=True,
        help="Print the variables of one host, as all sources together give them.",
    ),
    Spec(
        "inventory check", ShowOptions, (), check, free=True,
        help="List everything that is wrong with the inventory, with file, line and column.\n\n"
        "Exit code 2 when something keeps it from loading; likely slips are only listed.",
    ),
)  # fmt: skip


def command() -> AnyCommand:
    return Group(
        name="inventory",
        commands=[Command(spec) for spec in SPECS],
        help="List, draw, show or check the inventory.",
        context_settings=dict(CONTEXT),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
