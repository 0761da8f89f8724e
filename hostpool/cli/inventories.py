"""Which inventory a command works on, and which of its hosts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hostpool.cli.config import config_directory
from hostpool.cli.report import print_warning
from hostpool.errors import HostpoolError, InventoryError, PatternError, Problems
from hostpool.inventory import Inventory, bare_destinations, default_source, load

if TYPE_CHECKING:
    from hostpool.cli.again import Replay
    from hostpool.cli.options import Selecting, Sources

NO_INVENTORY = (
    "make ./inventories/hosts.yml or ~/.config/hostpool/inventory, or name a source: -i FILE; "
    "hosts can also be listed: -i 'h1,h2,'"
)


class Selected(msgspec.Struct, frozen=True):
    """``hosts``: those the command works on, in inventory order."""

    inventory: Inventory
    hosts: tuple[str, ...]


def sources(options: Sources) -> tuple[str, ...]:
    """Named ones, else the default one, else none. Raises InventoryError when that is not clear."""
    if options.inventory:
        return options.inventory
    directory = os.path.expanduser(config_directory(os.environ))  # noqa: PTH111 -- a home may be missing
    found = default_source({}, str(Path.cwd()), directory)
    return () if found is None else (found,)


def loaded(options: Sources) -> Inventory:
    """The inventory; raises InventoryError when there is none, or Problems."""
    found = sources(options)
    if not found:
        raise InventoryError("there is no inventory", hint=NO_INVENTORY)
    return load(found, allow_executable=options.inventory_typed)


def select(options: Selecting, pattern: str) -> Selected:
    """Loads and selects. Raises for a name nobody knows and for a pattern that selects no host."""
    replay: Replay | None = getattr(options, "replay", None)
    if replay is not None:
        return _selected_again(options, replay, pattern)
    inventory = loaded(options) if sources(options) else _destinations(pattern)
    # Without a source the names are the hosts: the pattern has been taken apart already.
    wanted = pattern if sources(options) else "all"
    match = inventory.match(wanted, options.limit, options.exclude or None)
    if match.unknown:
        raise Problems.of([_with_hint(error) for error in match.unknown])
    for each in match.unmatched:
        print_warning(each.message, each.hint)
    if not match.hosts:
        raise PatternError(f"no host matches {_selection(options, pattern)}", hint=_what_there_is(inventory))
    return Selected(inventory, _picked(match.hosts, options.pick))


def _selected_again(options: Selecting, replay: Replay, pattern: str) -> Selected:
    """The hosts of a run of the history, whatever the pattern selects by now."""
    inventory = loaded(options) if sources(options) else bare_destinations(pattern)
    gone = [host for host in replay.hosts if not inventory.has(host)]
    if gone:
        raise Problems.of([PatternError(f"{host!r} is no longer in the inventory") for host in gone])
    return Selected(inventory, replay.hosts)


def _with_hint(error: PatternError) -> HostpoolError:
    if error.hint is None:
        error.hint = "`hostpool inventory graph` shows groups and hosts"
    return error


def _destinations(pattern: str) -> Inventory:
    """Plain names as SSH destinations: for a person who watches, not for a script that lost its file."""
    if not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise InventoryError("there is no inventory, and no terminal to name hosts at", hint=NO_INVENTORY)
    try:
        return bare_destinations(pattern)
    except HostpoolError as error:
        if error.hint is None:
            error.hint = NO_INVENTORY
        raise


def _picked(hosts: tuple[str, ...], number: int | None) -> tuple[str, ...]:
    if number is None or number >= len(hosts):
        return hosts
    import random

    chosen = set(random.sample(hosts, number))
    return tuple(host for host in hosts if host in chosen)


def _selection(options: Selecting, pattern: str) -> str:
    parts = [repr(pattern)]
    if options.limit is not None:
        parts.append(f"limited to {options.limit!r}")
    if options.exclude:
        parts.append(f"without {', '.join(map(repr, options.exclude))}")
    return " ".join(parts)


def _what_there_is(inventory: Inventory) -> str:
    groups = [name for name in inventory.groups if name not in ("all", "ungrouped")]
    shown = ", ".join(groups[:8]) + (", …" if len(groups) > 8 else "")
    what = f"its groups are {shown}" if groups else "it has no groups"
    return f"the inventory has {len(inventory.hosts)} hosts; {what}: `hostpool inventory graph`"
