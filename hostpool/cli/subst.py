"""``--subst``: what differs from host to host in the words of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hostpool.tasks import Command

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.messages import Target
    from hostpool.settings import Settings

_MARK = re.compile(r"%([%hnu])")


@dataclass(frozen=True)
class PerHost:
    """``name`` is the command as it was typed."""

    name: str
    commands: Mapping[str, Command]

    def __call__(self, host: str) -> Command:
        return self.commands[host]


def per_host(command: Command, selected: Selected, settings: Settings) -> PerHost:
    """Every host's own command, rendered before the first host is touched.

    ``%h`` is the address, ``%n`` the inventory's name, ``%u`` the login, ``%%`` a per cent sign, and
    ``{{ var }}`` a variable of the host. Raises UsageError for an unknown variable.
    """
    from hostpool.targets import Resolver
    from hostpool.templating import has_template, render

    resolver = Resolver(selected.inventory, settings)
    commands = {}
    for host in selected.hosts:
        # Templates first: a value of a variable is data, its per cent signs mean nothing to us.
        pieces = _MARK.split(command.command)
        variables = resolver.variables(host)
        texts = [
            _mark(piece, host, resolver.resolve(host)) if index % 2 else piece
            for index, piece in enumerate(pieces)
        ]
        if has_template(command.command):
            texts = [
                text if index % 2 else str(render(text, variables, f"the command for {host}"))
                for index, text in enumerate(texts)
            ]
        commands[host] = replace(command, command="".join(texts))
    return PerHost(command.name, commands)


def _mark(letter: str, host: str, target: Target) -> str:
    return {"%": "%", "h": target.address, "n": host, "u": target.user}[letter]
