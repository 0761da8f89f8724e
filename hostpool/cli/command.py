"""The commands as the command line library knows them: for help, completion and groups of commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# typer carries its click under a private name; the version pin of pyproject.toml keeps it where it is.
from typer._click.core import Command as AnyCommand
from typer._click.core import Context, Parameter
from typer._click.formatting import HelpFormatter
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from hostpool.cli import hints
from hostpool.cli.flags import Flag
from hostpool.cli.spec import HELP_NAMES, Spec, execute, wants_help
from hostpool.errors import UsageError

CONTEXT = {"help_option_names": list(HELP_NAMES), "max_content_width": 100}


class Command(TyperCommand):
    """One command of a `Spec`, which reads the line; click's own parser serves help and completion."""

    def __init__(self, spec: Spec[Any]) -> None:
        self.spec = spec
        super().__init__(
            spec.name.split()[-1],
            params=[*(_argument(word) for word in spec.words), *(_option(flag) for flag in spec.flags)],
            help=spec.help,
            context_settings=dict(CONTEXT),
            rich_markup_mode=None,
        )

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        parts = self.spec.split(args)
        ctx.meta["parts"] = parts
        if wants_help(parts) and not ctx.resilient_parsing:
            return super().parse_args(ctx, [HELP_NAMES[0]])
        if not ctx.resilient_parsing:
            return []
        options = [word for pair in parts.given for word in pair if word is not None]
        # After `--` click takes all of the rest as words.
        return super().parse_args(ctx, [*options, *(["--", *parts.words] if parts.words else [])])

    def invoke(self, ctx: Context) -> int:
        return execute(self.spec, ctx.meta["parts"])

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        return ["[OPTIONS]", *self.spec.words]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        options = {param.name: param for param in self.get_params(ctx) if isinstance(param, TyperOption)}
        sections: dict[str, list[tuple[str, str]]] = {}
        for flag in self.spec.flags:
            record = options.pop(flag.field).get_help_record(ctx)
            if record is not None:
                sections.setdefault(flag.section, []).append(record)
        rest = [record for option in options.values() if (record := option.get_help_record(ctx))]
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)
        with formatter.section("Help"):
            formatter.write_dl(rest)


class Group(TyperGroup):
    """A command of subcommands that knows what was meant."""

    instead = ""
    """The subcommand somebody left out, where the next word is none."""

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, AnyCommand | None, list[str]]:
        if args[0] not in self.list_commands(ctx) and not ctx.resilient_parsing:
            raise self._unknown(ctx, args)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: Context, args: Sequence[str]) -> UsageError:
        """``hostpool web uptime`` is no command, but what was meant is plain."""
        names = self.list_commands(ctx)
        near = hints.nearest(args[0], names)
        follows = len(args) > 1 and not args[1].startswith("-")
        if near is not None:
            hint = f"did you mean `{' '.join((ctx.command_path, near, *args[1:]))}`?"
        elif follows and self.instead:
            hint = f"did you mean `{' '.join((ctx.command_path, self.instead, *args))}`?"
        else:
            hint = f"there are {', '.join(names)}"
        return UsageError(f"{ctx.command_path} has no command {args[0]!r}", hint=hint)


def option_names(ctx: Context) -> list[str]:
    """Every option of the command, as typed."""
    return [name for param in ctx.command.get_params(ctx) for name in param.opts if name.startswith("-")]


def _argument(word: str) -> Parameter:
    many = word.strip("[]").endswith("...")
    name = word.strip("[].").lower()
    return TyperArgument(
        param_decls=[name],
        nargs=-1 if many else 1,
        metavar=word,
        autocompletion=_completion("hosts") if name in ("pattern", "command", "host") else None,
    )


def _option(flag: Flag) -> Parameter:
    # Hidden names are known to the parser; help shows the first ones only.
    option = _Option(
        param_decls=[flag.field, *flag.names],
        is_flag=True if flag.switch and not flag.counted else None,
        count=flag.counted,
        type=int if flag.counted else None,
        multiple=flag.many,
        metavar=flag.metavar,
        help=flag.help,
        default=None,
        autocompletion=_completion(flag.complete) if flag.complete else None,
    )
    option.hidden_names = flag.hidden
    return option


class _Option(TyperOption):
    hidden_names: tuple[str, ...] = ()

    def add_to_parser(self, parser: Any, ctx: Context) -> None:
        shown = self.opts
        self.opts = [*shown, *self.hidden_names]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = shown


def _completion(what: str) -> Callable[[Context, list[str], str], Sequence[str | tuple[str, str]]]:
    def complete(ctx: Context, args: list[str], incomplete: str) -> Sequence[str | tuple[str, str]]:
        if what == "hosts":
            from hostpool.cli.completion import names

            return names(ctx, incomplete)
        return list(what.split())

    return complete
