"""The root of the command line as the library knows it: its own options, the list of commands, completion."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer._click.core import Command as AnyCommand
from typer._click.core import Context
from typer._click.exceptions import ClickException, NoArgsIsHelpError, NoSuchOption
from typer._click.formatting import HelpFormatter
from typer.core import TyperOption

from hostpool import exit_codes
from hostpool._version import __version__
from hostpool.cli import hints
from hostpool.cli.app import COMMANDS, COMPLETE_VARIABLE, PROGRAM
from hostpool.cli.command import CONTEXT, Command, Group, option_names
from hostpool.errors import HostpoolError, UsageError

_HELP = """Run one task on many hosts over SSH, on a bounded pool of worker processes.

\b
  hostpool demo                          see it at work, on pretended hosts
  hostpool run web uptime                a command on the hosts of a group
  hostpool run 'db[1-3]' -b -- df -h /   as root
  hostpool inventory list                what hosts there are
"""
_EPILOG = "`hostpool COMMAND --help` tells more. Exit codes and patterns: README.md"


class Root(Group):
    """The group of all subcommands, none of which is imported before it is needed."""

    instead = "run"

    def list_commands(self, ctx: Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(COMMANDS[cmd_name][0])
        return Command(module.SPEC) if hasattr(module, "SPEC") else module.command()

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


def root() -> Root:
    from typer.main import get_install_completion_arguments

    version = TyperOption(
        param_decls=["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
        help="Print the version and what it runs on.",
    )  # fmt: skip
    return Root(
        name=PROGRAM,
        params=[version, *get_install_completion_arguments()],
        help=_HELP,
        epilog=_EPILOG,
        context_settings=dict(CONTEXT),
        rich_markup_mode=None,
        no_args_is_help=True,
    )


def _print_version(ctx: Context, param: Any, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from hostpool.cli.versions import versions

    typer.echo(f"hostpool {__version__} ({', '.join(f'{n} {v}' for n, v in versions().items())})")
    raise typer.Exit


def invoke(argv: Sequence[str]) -> int:
    """Reads a line with the library and runs it. Raises HostpoolError for what is wrong with it."""
    try:
        with root().make_context(PROGRAM, list(argv)) as ctx:
            return int(ctx.command.invoke(ctx) or 0)
    except NoArgsIsHelpError as error:
        typer.echo(error.ctx.get_help(), err=True)
        return exit_codes.USAGE
    except ClickException as error:
        raise _of_click(error) from error
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return exit_codes.SIGINT


def _of_click(error: ClickException) -> UsageError:
    """click's words for what is left to it: the root's options, and an option without its value."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, NoSuchOption) and ctx is not None:
        near = hints.nearest(error.option_name, option_names(ctx))
        hint = f"did you mean {near}?" if near else f"`{ctx.command_path} --help` lists all of them"
        return UsageError(f"{ctx.command_path} has no option {error.option_name}", hint=hint)
    message = error.format_message().rstrip(".")
    usual = f"`{ctx.command_path} --help` tells what it takes" if ctx is not None else None
    return UsageError(message[:1].lower() + message[1:], hint=usual)


def complete() -> int:
    """Answers a shell's question. What goes wrong while somebody types is not the shell's business."""
    try:
        root().main(args=[], prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except HostpoolError:
        return 1
    finally:
        sys.stdout.flush()
    return 0
