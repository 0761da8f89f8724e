"""The root of the command line: which subcommands there are, and what an error becomes.

A subcommand's module is imported when it is run (or completed), so that start-up pays for one only.
"""

from __future__ import annotations

import importlib
import os
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
from hostpool.cli.command import CONTEXT, Group, option_names
from hostpool.errors import HostpoolError, UsageError

PROGRAM = "hostpool"
COMPLETE_VARIABLE = "_HOSTPOOL_COMPLETE"

COMMANDS = {
    "run": ("hostpool.cli.run", "Run a command on many hosts"),
    "script": ("hostpool.cli.script", "Copy a script to many hosts, run it, remove it"),
    "ping": ("hostpool.cli.ping", "Log in to hosts and tell which ones answer"),
    "inventory": ("hostpool.cli.inventory", "List, draw, show or check the inventory"),
    "demo": ("hostpool.cli.demo", "Try all this on a fleet of pretended hosts"),
}
"""Name → module with a ``command()``, and what the help says in one line."""

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
        command: AnyCommand = importlib.import_module(COMMANDS[cmd_name][0]).command()
        return command

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


def main(argv: Sequence[str]) -> int:
    """One call of the program, without its name; returns its exit code.

    Raises only what is a bug (the caller writes a report), BrokenPipeError and KeyboardInterrupt.
    """
    app = root()
    if COMPLETE_VARIABLE in os.environ:
        return _complete(app)
    try:
        with app.make_context(PROGRAM, list(argv)) as ctx:
            return int(app.invoke(ctx) or 0)
    except HostpoolError as error:
        return _failed(error)
    except NoArgsIsHelpError as error:
        typer.echo(error.ctx.get_help(), err=True)
        return exit_codes.USAGE
    except ClickException as error:
        return _failed(_of_click(error))
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return exit_codes.SIGINT


def _failed(error: HostpoolError) -> int:
    from hostpool.cli.report import print_error

    print_error(error)
    return exit_codes.of_error(error)


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


def _complete(app: Root) -> int:
    """Answers a shell's question. What goes wrong while it types is not its business."""
    try:
        app.main(args=[], prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except HostpoolError:
        return 1
    finally:
        sys.stdout.flush()
    return 0
