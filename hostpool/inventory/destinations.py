"""Hosts named on the command line: ``h1,h2,`` and SSH destinations.

``host``, ``user@host``, ``host:port``, ``[v6]:port``, ``ssh://user@host:port``, each with clush's ranges:
``root@10.0.0.[1-20]``. Source: ssh(1), DESTINATION.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hostpool.errors import InventoryError, PatternError
from hostpool.inventory.addresses import is_address, split_port
from hostpool.inventory.draft import Draft
from hostpool.inventory.inventory import Inventory
from hostpool.inventory.ranges import expand, split_commas

_OPERATORS = "*?~&!;|<>()$`\"'\\"


class Destination(NamedTuple):
    """``user`` and ``port`` are None when not named; ``host`` is without brackets."""

    user: str | None
    host: str
    port: int | None

    @property
    def name(self) -> str:
        return self.host if self.user is None else f"{self.user}@{self.host}"


def parse_destination(text: str) -> Destination:
    """One destination, ranges expanded before. Raises PatternError for what ssh would not take."""
    rest = text.removeprefix("ssh://")
    user, at, address = (rest if rest == text else rest.rstrip("/")).rpartition("@")
    host, port = split_port(address)
    if host.startswith("[") and host.endswith("]") and is_address(host[1:-1]):
        host = host[1:-1]
    if (at and not user) or not is_address(host) or user.startswith("-") or any(c.isspace() for c in user):
        raise PatternError(
            f"{text!r} is no SSH destination", hint="write host, user@host, host:port or ssh://user@host:port"
        )
    if port is not None and not 0 < port < 65536:
        raise PatternError(f"{text!r} has no valid port", hint="a port is a number from 1 to 65535")
    return Destination(user or None, host, port)


def bare_destinations(pattern: str) -> Inventory:
    """The inventory a pattern of plain names stands for when there is no other.

    Raises PatternError for ``all``, globs and operators, which mean nothing without an inventory.
    """
    words = split_commas(pattern.replace("\n", ","))
    for word in words:
        _refuse_patterns(word)
    if not words:
        raise PatternError("no host is named")
    draft = Draft()
    add_destinations(draft, words)
    draft.finish()
    return Inventory(draft.hosts, draft.groups)


def _refuse_patterns(word: str) -> None:
    hint = "name a source with -i FILE, or hosts as in -i 'h1,h2,'"
    if word in ("all", "ungrouped"):
        raise PatternError(f"no inventory: {word} has no hosts", hint=hint)
    if word[0] == "@" or any(char in _OPERATORS for char in word):
        raise PatternError(f"no inventory: {word!r} is a pattern, not the name of a host", hint=hint)
    if any(char.isspace() for char in word):
        raise PatternError(f"{word!r} has a blank in it", hint="separate hosts with commas")
    try:
        for name in expand_destination(word):
            parse_destination(name)
    except PatternError as error:
        raise PatternError(f"no inventory: {error.message}", hint=error.hint or hint) from error


def expand_destination(word: str) -> list[str]:
    """Clush's ranges expanded; the brackets around an IPv6 address are none."""
    before, bracket, rest = word.partition("[")
    inside = rest.partition("]")[0]
    begins_a_host = before in ("", "ssh://") or before.endswith("@")
    if bracket and begins_a_host and ":" in inside and is_address(inside):
        return [word]
    return expand(word)


def read_host_list(draft: Draft, text: str) -> None:
    """Add the hosts of ``h1,h2,`` to ``draft``. Raises InventoryError for a bad range or name."""
    try:
        add_destinations(draft, split_commas(text))
    except PatternError as error:
        raise InventoryError(error.message, hint=error.hint) from error


def add_destinations(draft: Draft, words: Iterable[str]) -> None:
    """Each destination becomes an ungrouped host. The same host with two ports is two hosts, named with
    their ports: Ansible would keep the first only."""
    found = list(
        dict.fromkeys(parse_destination(name) for word in words for name in expand_destination(word))
    )
    ports: dict[str, set[int | None]] = {}
    for destination in found:
        ports.setdefault(destination.name, set()).add(destination.port)
    ungrouped = draft.groups["ungrouped"]
    for destination in found:
        name = destination.name
        if len(ports[name]) > 1 and destination.port is not None:
            name = f"{name}:{destination.port}"
        if name in draft.hosts:
            continue
        host = draft.add_host(name, ungrouped, destination.port)
        if name != destination.host:
            host.vars["ansible_host"] = destination.host
        if destination.user is not None:
            host.vars["ansible_user"] = destination.user
