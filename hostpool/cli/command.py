"""Commands of the command line, built from declared options: parsing, help and dispatch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

# typer carries its click under a private name; the version pin of pyproject.toml keeps it where it is.
from typer._click.core import Command as AnyCommand
from typer._click.core import Context, Parameter
from typer._click.formatting import HelpFormatter
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from hostpool.cli import hints
from hostpool.cli.flags import Flag, flags_of, parsed
from hostpool.cli.words import Grammar, Split, split
from hostpool.errors import ConfigError, HostpoolError, Problems, UsageError

Options = TypeVar("Options")
HELP_NAMES = ["--help", "-h"]
CONTEXT = {"help_option_names": HELP_NAMES, "max_content_width": 100}


class Command(TyperCommand, Generic[Options]):
    """One subcommand. ``run`` gets the options, the configuration merged in, and the words; it returns an
    exit code. ``words`` are its positional words for the usage line, as ``COMMAND...``;
    ``free``: its options may stand after any of them (else the second word ends our options)."""

    def __init__(
        self,
        name: str,
        *,
        options: type[Options],
        words: Sequence[str],
        run: Callable[[Options, list[str]], int],
        help: str,
        epilog: str = "",
        free: bool = False,
    ) -> None:
        self.flags = tuple(flag for flag in flags_of(options) if flag.typed)
        self.words = tuple(words)
        self.free = free
        self._options = options
        self._run = run
        super().__init__(
            name,
            params=[*(_argument(word) for word in words), *(_option(flag) for flag in self.flags)],
            help=help,
            epilog=epilog,
            context_settings=dict(CONTEXT),
            rich_markup_mode=None,
        )

    @property
    def grammar(self) -> Grammar:
        every = [(name, flag) for flag in self.flags for name in (*flag.names, *flag.hidden)]
        return Grammar(
            valued=frozenset(name for name, flag in every if not flag.switch),
            switches=frozenset(name for name, flag in every if flag.switch).union(HELP_NAMES),
        )

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        parts = split(args, self.grammar, free=self.free)
        if not ctx.resilient_parsing:
            if any(name in parts.options for name in HELP_NAMES):
                return super().parse_args(ctx, HELP_NAMES[:1])
            self._refuse(parts)
        ctx.meta["words"] = parts.words
        # Our own split has decided what is what; after `--` click takes all of the rest as words.
        return super().parse_args(ctx, [*parts.options, *(["--", *parts.words] if parts.words else [])])

    def _refuse(self, parts: Split) -> None:
        """Raises for everything that is wrong with the shape of the line, all at once."""
        errors = [self._unknown(name) for name in dict.fromkeys(parts.unknown)]
        errors += [UsageError(f"{name} needs a value after it") for name in parts.bare]
        if len(parts.words) > len(self.words) and not self._open_ended:
            usage = f"hostpool {self.name} {' '.join(self.words)}"
            extra = parts.words[len(self.words)]
            errors.append(UsageError(f"{extra!r} is one word too many", hint=f"usage: {usage}"))
        if errors:
            raise Problems.of(errors)

    @property
    def _open_ended(self) -> bool:
        return bool(self.words) and self.words[-1].strip("[]").endswith("...")

    def _unknown(self, name: str) -> HostpoolError:
        hint = hints.habit(name)
        if name == "--timeout":
            return UsageError("--timeout could mean two things", hint=hint)
        if hint is None:
            near = hints.nearest(name, [*self.grammar.names, "--timeout"])
            if near == "--timeout":
                near = "-T/--connect-timeout or --task-timeout"
            hint = f"did you mean {near}?" if near else f"`hostpool {self.name} --help` lists all of them"
        return UsageError(f"hostpool {self.name} has no option {name}", hint=hint)

    def invoke(self, ctx: Context) -> int:
        from hostpool.cli.config import merged

        said = self._said(ctx.params)
        return self._run(merged(self._options, said), list(ctx.meta["words"]))

    def _said(self, params: dict[str, Any]) -> dict[str, Any]:
        """What the flags say, parsed; everything that is wrong with them at once."""
        said: dict[str, Any] = {}
        errors: list[HostpoolError] = []
        for flag in self.flags:
            value = params[flag.field]
            if value in (None, (), False, 0):
                continue
            try:
                said[flag.field] = parsed(flag, value)
            except ValueError as error:
                errors.append(ConfigError(f"{flag.long}: {error}"))
        if errors:
            raise Problems.of(errors)
        return said

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        return ["[OPTIONS]", *self.words]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        options = {param.name: param for param in self.get_params(ctx) if isinstance(param, TyperOption)}
        sections: dict[str, list[tuple[str, str]]] = {}
        for flag in self.flags:
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
