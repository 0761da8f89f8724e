"""One line of an ssh_config file, read and checked: a keyword with its typed value and its place."""

from __future__ import annotations

from typing import Any

import msgspec

from hostpool.errors import SSHConfigError

from .algorithms import parse_algorithms
from .jump import parse_jump
from .keywords import KEYWORDS, Keyword, Kind, nearest
from .lexer import UnbalancedQuotes, split_arguments, split_keyword

COMMAND_LINE = "command line"


class Place(msgspec.Struct, frozen=True):
    """Where a line stands. ``user``: in the user's own file or options, not in the system's."""

    file: str
    line: int | None
    text: str
    user: bool = True

    def error(self, message: str, hint: str | None = None) -> SSHConfigError:
        return SSHConfigError(message, hint=hint, file=self.file, line=self.line, source=self.text)

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Directive(msgspec.Struct, frozen=True):
    keyword: Keyword
    value: Any
    place: Place


def read_line(text: str, place: Place, ignored: str = "") -> Directive | None:
    """Reads one line; None for blank lines, comments and what IgnoreUnknown (``ignored``) covers.

    Raises SSHConfigError with the place of the line.
    """
    line = split_keyword(text)
    if line is None:
        return None
    keyword = KEYWORDS.get(line.keyword)
    if keyword is None:
        if ignored and _is_ignored(line.keyword, ignored):
            return None
        meant = nearest(line.keyword)
        hint = f"did you mean {meant}?" if meant else "IgnoreUnknown names keywords to pass over"
        raise place.error(f"unknown keyword {line.keyword}", hint)
    if not line.rest:
        raise place.error(f"{keyword.name} has no value")
    try:
        return Directive(keyword, _value(keyword, line.rest), place)
    except UnbalancedQuotes as error:
        raise place.error(f"{keyword.name}: {error}") from None
    except ValueError as error:
        raise place.error(f"{keyword.name}: {error}") from None


def _is_ignored(keyword: str, ignored: str) -> bool:
    from .patterns import matches_list

    return matches_list(keyword, ignored.lower())


def _value(keyword: Keyword, rest: str) -> Any:
    kind = keyword.kind
    if kind is Kind.MATCH:
        from .criteria import parse_criteria

        return parse_criteria(rest)
    words = split_arguments(rest)
    if kind in (Kind.COMMAND, Kind.JUMP):
        command = rest.lstrip(" \t\r\n=")
        return parse_jump(command) if kind is Kind.JUMP else command
    if kind is Kind.UNUSED:
        return " ".join(words)
    if not all(words) or (not words and kind in (Kind.SINGLE, Kind.PATHS, Kind.ALGORITHMS)):
        raise ValueError("the value is empty")
    if kind in (Kind.SINGLE, Kind.PATHS, Kind.ALGORITHMS):
        if len(words) > 1:
            raise ValueError(f"one value is expected, {words[1]!r} follows it; quote a value with spaces")
        return parse_algorithms(words[0]) if kind is Kind.ALGORITHMS else keyword.parse(words[0])
    return _words(kind, words)


def _words(kind: Kind, words: list[str]) -> tuple[Any, ...]:
    if kind is Kind.WORDS and len(words) > 1 and "none" in (word.lower() for word in words):
        raise ValueError("none stands alone")
    for word in words:
        if kind is Kind.SEND_ENV and "=" in word:
            raise ValueError(f"{word!r}: SendEnv takes names; NAME=VALUE belongs to SetEnv")
        if kind is Kind.SET_ENV and "=" not in word:
            raise ValueError(f"{word!r} is not NAME=VALUE")
    return tuple(words)
