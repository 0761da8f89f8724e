"""``--subst``: what differs from host to host in the words of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.messages import Target
    from hostpool.settings import Settings
    from hostpool.targets import Resolver
    from hostpool.tasks import Command, Task

_MARK = r"%([%hnu])"


class PerHost(msgspec.Struct, frozen=True):
    """``name`` is what was typed."""

    name: str
    tasks: Mapping[str, Task]

    def __call__(self, host: str) -> Task:
        return self.tasks[host]


def per_host(command: Command, selected: Selected, settings: Settings) -> PerHost:
    """Every host's own command."""
    found = words_per_host([command.command], selected, settings)
    return PerHost(
        command.name,
        {host: msgspec.structs.replace(command, command=words[0]) for host, words in found.items()},
    )


def words_per_host(
    words: Sequence[str], selected: Selected, settings: Settings
) -> dict[str, tuple[str, ...]]:
    """Every host's own words, rendered before the first host is touched.

    ``%h`` is the address, ``%n`` the inventory's name, ``%u`` the login, ``%%`` a per cent sign, and
    ``{{ var }}`` a variable of the host. Raises UsageError for an unknown variable.
    """
    from hostpool.targets import Resolver

    resolver = Resolver(selected.inventory, settings)
    return {host: tuple(_render(word, host, resolver) for word in words) for host in selected.hosts}


def _render(word: str, host: str, resolver: Resolver) -> str:
    from hostpool.templating import has_template, render

    # Templates first: a value of a variable is data, its per cent signs mean nothing to us.
    pieces = re.split(_MARK, word)
    variables = resolver.variables(host)
    texts = [
        _mark(piece, host, resolver.resolve(host)) if index % 2 else piece
        for index, piece in enumerate(pieces)
    ]
    if has_template(word):
        texts = [
            text if index % 2 else str(render(text, variables, f"the command for {host}"))
            for index, text in enumerate(texts)
        ]
    return "".join(texts)


def _mark(letter: str, host: str, target: Target) -> str:
    return {"%": "%", "h": target.address, "n": host, "u": target.user}[letter]
