"""Which words of the command line are ours and which are the command's.

Options stand before or directly after PATTERN. The first other word, or what follows ``--``, begins
the command, whose own options are then none of our business. Options are spelled as getopt_long takes
them: ``-f 10``, ``-f10``, ``-bf10``, ``--fanout 10``, ``--fanout=10``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Split(msgspec.Struct, frozen=True):
    """``given``: our options in order, each with its value (None for a switch). ``words``: PATTERN and
    what follows it. ``unknown``: what looked like an option but is none. ``bare``: options whose value
    is missing. ``excess``: switches that were given a value."""

    given: list[tuple[str, str | None]] = msgspec.field(default_factory=list)
    words: list[str] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)
    bare: list[str] = msgspec.field(default_factory=list)
    excess: list[str] = msgspec.field(default_factory=list)


class Grammar(msgspec.Struct, frozen=True):
    """Names of options that take a value, and of those that take none."""

    valued: frozenset[str]
    switches: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return self.valued | self.switches


def split(arguments: Sequence[str], grammar: Grammar, *, free: bool = False) -> Split:
    """Splits what follows the subcommand's name. ``free``: options may stand anywhere."""
    result = Split()
    index = 0
    while index < len(arguments):
        word = arguments[index]
        index += 1
        if word == "--":
            result.words.extend(arguments[index:])
            break
        if len(word) > 1 and word.startswith("-"):
            following = arguments[index] if index < len(arguments) else None
            take = _long if word.startswith("--") else _cluster
            index += take(word, following, grammar, result)
            continue
        if result.words and not free:
            result.words.extend(arguments[index - 1 :])
            break
        result.words.append(word)
    return result


def _long(word: str, following: str | None, grammar: Grammar, result: Split) -> int:
    """Takes ``--name``, ``--name=value``; returns how many of the following words belong to it."""
    name, equals, value = word.partition("=")
    if name in grammar.valued:
        return _valued(name, value if equals else None, following, result)
    if name not in grammar.switches:
        result.unknown.append(name)
    elif equals:
        result.excess.append(name)
    else:
        result.given.append((name, None))
    return 0


def _cluster(word: str, following: str | None, grammar: Grammar, result: Split) -> int:
    """Takes ``-b``, ``-bv``, ``-f10``, ``-bf`` and the word after it."""
    for at, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name in grammar.valued:
            return _valued(name, word[at:] or None, following, result)
        if name not in grammar.switches:
            result.unknown.append(name)
            return 0
        result.given.append((name, None))
    return 0


def _valued(name: str, attached: str | None, following: str | None, result: Split) -> int:
    if attached is not None:
        result.given.append((name, attached))
        return 0
    if following is None:
        result.bare.append(name)
        return 0
    result.given.append((name, following))
    return 1
