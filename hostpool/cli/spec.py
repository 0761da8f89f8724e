"""A command as data, and how its line is read. Nothing here needs the command line library: it makes
help and completion, and a run should not wait for its import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from hostpool.cli import hints
from hostpool.cli.again import Invocation
from hostpool.cli.flags import Flag, flags_of
from hostpool.cli.words import Grammar, Split, split
from hostpool.errors import ConfigError, HostpoolError, Problems, UsageError

Options = TypeVar("Options")
HELP_NAMES = ("--help", "-h")


class Spec(msgspec.Struct, Generic[Options], frozen=True):
    """One command. ``name`` is all of it, as ``inventory list``. ``run`` gets the options, the
    configuration merged in, and the words; it returns an exit code. ``words`` are the positional words
    for the usage line, as ``COMMAND...``; ``free``: options may stand after any of them (else the
    second word ends our options)."""

    name: str
    options: type[Options]
    words: tuple[str, ...]
    run: Callable[[Options, list[str]], int]
    help: str
    free: bool = False

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(flag for flag in flags_of(self.options) if flag.typed)

    @property
    def grammar(self) -> Grammar:
        every = [(name, flag) for flag in self.flags for name in (*flag.names, *flag.hidden)]
        return Grammar(
            valued=frozenset(name for name, flag in every if not flag.switch),
            switches=frozenset(name for name, flag in every if flag.switch).union(HELP_NAMES),
        )

    @property
    def open_ended(self) -> bool:
        """Whether one of the words may be many."""
        return any(word.strip("[]").endswith("...") for word in self.words)

    def split(self, arguments: Sequence[str]) -> Split:
        return split(arguments, self.grammar, free=self.free)


def execute(spec: Spec[Options], parts: Split) -> int:
    """Runs a command whose line has been split. Raises UsageError or Problems for all that is wrong
    with the line, then for what is wrong with values and configuration."""
    from hostpool.cli.config import merged

    said = said_by(spec, parts)
    if "invocation" in spec.options.__dataclass_fields__:  # type: ignore[attr-defined]  # it is a dataclass
        said["invocation"] = Invocation(spec.name, tuple(parts.words))
    return call(spec, merged(spec.options, said), parts.words)


def said_by(spec: Spec[Any], parts: Split) -> dict[str, Any]:
    """What the flags of a line say, by field. Raises UsageError or Problems for all that is wrong."""
    _refuse(spec, parts)
    return _said(spec, parts)


def call(spec: Spec[Any], options: Any, words: list[str]) -> int:
    """The command with the options that hold in the end."""
    if getattr(options, "cron", None) is None:
        return spec.run(options, words)
    from hostpool.cli.schedule import scheduled

    return scheduled(options, lambda options: spec.run(options, words))


def wants_help(parts: Split) -> bool:
    return any(name in HELP_NAMES for name, _ in parts.given)


def _refuse(spec: Spec[Options], parts: Split) -> None:
    errors: list[HostpoolError] = [_unknown(spec, name) for name in dict.fromkeys(parts.unknown)]
    errors += [UsageError(f"{name} needs a value after it") for name in parts.bare]
    errors += [UsageError(f"{name} takes no value") for name in parts.excess]
    if len(parts.words) > len(spec.words) and not spec.open_ended:
        usage = f"hostpool {spec.name} {' '.join(spec.words)}".rstrip()
        extra = parts.words[len(spec.words)]
        errors.append(UsageError(f"{extra!r} is one word too many", hint=f"usage: {usage}"))
    if errors:
        raise Problems.of(errors)


def _unknown(spec: Spec[Options], name: str) -> UsageError:
    hint = hints.habit(name)
    if name == "--timeout":
        return UsageError("--timeout could mean two things", hint=hint)
    if hint is None:
        near = hints.nearest(name, [*spec.grammar.names, "--timeout"])
        if near == "--timeout":
            near = "-T/--connect-timeout or --task-timeout"
        hint = f"did you mean {near}?" if near else f"`hostpool {spec.name} --help` lists all of them"
    return UsageError(f"hostpool {spec.name} has no option {name}", hint=hint)


def _said(spec: Spec[Options], parts: Split) -> dict[str, Any]:
    """What the flags say, by field; everything that is wrong with them at once."""
    by_name = {name: flag for flag in spec.flags for name in (*flag.names, *flag.hidden)}
    said: dict[str, Any] = {}
    errors: list[HostpoolError] = []
    for name, text in parts.given:
        flag = by_name[name]
        try:
            _say(said, flag, text)
        except ValueError as error:
            errors.append(ConfigError(f"{flag.long}: {error}"))
    if errors:
        raise Problems.of(errors)
    return said


def _say(said: dict[str, Any], flag: Flag, text: str | None) -> None:
    if flag.counted:
        said[flag.field] = said.get(flag.field, 0) + 1
    elif text is None:
        said[flag.field] = True
    elif flag.many:
        said[flag.field] = (*said.get(flag.field, ()), flag.parse(text))
    else:
        said[flag.field] = flag.parse(text)
