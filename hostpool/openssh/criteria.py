"""The criteria of a ``Match`` line: reading them, and whether they hold for a host."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .lexer import WHITESPACE, delimited, split_arguments
from .patterns import matches_hostname, matches_list

_WITHOUT_ARGUMENT = ("all", "canonical", "final")
_KNOWN = frozenset((*_WITHOUT_ARGUMENT, "host", "originalhost", "user", "localuser", "exec", "tagged"))


class Criterion(msgspec.Struct, frozen=True):
    name: str
    argument: str = ""
    negated: bool = False

    @property
    def known(self) -> bool:
        return self.name in _KNOWN


class Facts(msgspec.Struct, frozen=True):
    """What is known of a host at the moment a Match line is reached."""

    host: str
    original: str
    user: str
    local_user: str
    tag: str
    final: bool


def parse_criteria(text: str) -> tuple[Criterion, ...]:
    """Reads what follows ``Match``. Raises ValueError.

    OpenSSH before 9.9 cuts the line by other quoting rules than later ones: what the old rules do
    not make sense of is read by the new ones.
    """
    try:
        old = _criteria(_delimited_words(text))
        if all(criterion.known for criterion in old):
            return old
    except ValueError:
        pass
    return _criteria(_modern_words(text))


def _delimited_words(text: str) -> list[str]:
    words = []
    while text:
        word, text = delimited(text)
        if word.startswith("#") or not word:
            break
        words.append(word)
    return words


def _modern_words(text: str) -> list[str]:
    words: list[str] = []
    for word in split_arguments(text.strip(WHITESPACE)):
        name, equals, argument = word.partition("=")
        if equals and name.lstrip("!").lower() in _KNOWN and not (words and words[-1].lower() == "exec"):
            words += [name, argument]
        else:
            words.append(word)
    return words


def _criteria(words: list[str]) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    rest = iter(words)
    for word in rest:
        negated = word.startswith("!")
        name = word.removeprefix("!").lower()
        if name in _WITHOUT_ARGUMENT:
            found.append(Criterion(name, negated=negated))
            if name == "all" and (len(found) > 2 or next(rest, None) is not None):
                raise ValueError("'all' stands alone, or after 'final' or 'canonical'")
            continue
        argument = next(rest, None)
        if argument is None:
            raise ValueError(f"the criterion {name!r} has no value")
        found.append(Criterion(name, argument, negated))
    if not found:
        raise ValueError("a criterion is missing, such as: host NAME")
    return tuple(found)


def hold(criteria: tuple[Criterion, ...], facts: Facts, run: Callable[[str], bool]) -> bool:
    """Whether all criteria hold. ``run`` answers for ``exec`` and is asked only when all before it hold."""
    return all(_holds(criterion, facts, run) is not criterion.negated for criterion in criteria)


def _holds(criterion: Criterion, facts: Facts, run: Callable[[str], bool]) -> bool:
    name, argument = criterion.name, criterion.argument
    if name == "all":
        return True
    if name in ("canonical", "final"):
        return facts.final
    if name == "host":
        return matches_hostname(facts.host, argument)
    if name == "originalhost":
        return matches_hostname(facts.original, argument)
    if name == "exec":
        return run(argument)
    text = {"user": facts.user, "localuser": facts.local_user, "tagged": facts.tag}[name]
    return matches_list(text, argument)
