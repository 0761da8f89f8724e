"""Which words of the command line are ours and which are the command's.

Options stand before or directly after PATTERN. The first other word, or what follows ``--``, begins
the command, whose own options are then none of our business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Split:
    """``options``: our options and their values, in order. ``words``: PATTERN and what follows it.
    ``unknown``: what looked like an option but is none. ``bare``: options whose value is missing."""

    options: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grammar:
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
        if word == "--":
            result.words.extend(arguments[index + 1 :])
            break
        if len(word) > 1 and word.startswith("-"):
            index += _option(arguments, index, grammar, result)
            continue
        if result.words and not free:
            result.words.extend(arguments[index:])
            break
        result.words.append(word)
        index += 1
    return result


def _option(arguments: Sequence[str], index: int, grammar: Grammar, result: Split) -> int:
    """Takes one option with its value, if it has one; returns how many words that were."""
    word = arguments[index]
    name = word.split("=", 1)[0] if word.startswith("--") else _last_of_cluster(word, grammar)
    if name not in grammar.names:
        result.unknown.append(name)
        result.options.append(word)
        return 1
    takes_next = name in grammar.valued and (word == name or _is_last(word, name))
    taken = arguments[index : index + 2] if takes_next else [word]
    if takes_next and len(taken) < 2:
        result.bare.append(name)
    result.options.extend(taken)
    return len(taken)


def _last_of_cluster(word: str, grammar: Grammar) -> str:
    """In ``-bf10`` and ``-bf`` that is ``-f``: the first that takes a value, is unknown, or is last."""
    name = word[:2]
    for letter in word[1:]:
        name = f"-{letter}"
        if name not in grammar.switches:
            break
    return name


def _is_last(word: str, name: str) -> bool:
    """Whether nothing follows the option's letter in its cluster: the value is the next word."""
    return not word.startswith("--") and word.index(name[1], 1) == len(word) - 1
