"""The inventory as ``ansible-inventory`` shows it (cli/inventory.py, 2.19)."""

# Importing pathlib takes longer than this room may take to start.
# ruff: noqa: PTH118, PTH122

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hostpool.errors import InventoryError
from hostpool.inventory.model import Place, Unsafe, Vaulted
from hostpool.inventory.suggest import did_you_mean
from hostpool.inventory.variables import INTERNAL_VARIABLES
from hostpool.inventory.varsfiles import EXTENSIONS, GROUP_VARS, HOST_VARS, VarsDirectory

if TYPE_CHECKING:
    from hostpool.inventory.inventory import Inventory

MAX_HINTS = 10


def as_list(inventory: Inventory, hosts: Sequence[str] | None) -> dict[str, Any]:
    shown = inventory.members("all") if hosts is None else hosts
    available = frozenset(shown)
    result: dict[str, Any] = {}
    for name in _reachable(inventory):
        group = inventory.groups[name]
        entry: dict[str, list[str]] = {}
        if name != "all" and (members := [host for host in group.hosts if host in available]):
            entry["hosts"] = members
        if group.children:
            entry["children"] = list(group.children)
        if entry:
            result[name] = entry
    hostvars = {host: view for host in shown if (view := host_view(inventory, host))}
    result["_meta"] = {"hostvars": hostvars, "profile": "inventory_legacy"}
    return result


def _reachable(inventory: Inventory) -> Iterator[str]:
    waiting, seen = ["all"], {"all"}
    while waiting:
        name = waiting.pop()
        yield name
        for child in reversed(inventory.groups[name].children):
            if child not in seen:
                seen.add(child)
                waiting.append(child)


def host_view(inventory: Inventory, host: str) -> dict[str, Any]:
    merged = inventory.merged(host)
    return {name: as_json(value) for name, value in merged.items() if name not in INTERNAL_VARIABLES}


def as_json(value: Any) -> Any:
    """``value`` with what YAML has and JSON has not written out."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Unsafe):
        return {"__ansible_unsafe": str(value)}
    if isinstance(value, Vaulted):
        return {"__ansible_vault": value.ciphertext}
    return value


def graph(inventory: Inventory, start: str, with_vars: bool) -> str:
    inventory.group(start)
    return "\n".join(_graph_group(inventory, start, 0, with_vars))


def _graph_group(inventory: Inventory, name: str, depth: int, with_vars: bool) -> Iterator[str]:
    yield _branch(f"@{name}:", depth)
    group = inventory.groups[name]
    for child in group.children:
        yield from _graph_group(inventory, child, depth + 1, with_vars)
    for host in group.hosts if name != "all" else ():
        yield _branch(host, depth + 1)
        if with_vars:
            yield from _graph_vars(_visible(inventory.merged(host)), depth + 2)
    if with_vars:
        yield from _graph_vars(_visible(inventory.group_vars(name)), depth + 1)


def _visible(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in INTERNAL_VARIABLES}


def _graph_vars(variables: dict[str, Any], depth: int) -> Iterator[str]:
    for name, value in sorted(variables.items()):
        shown = "(encrypted)" if isinstance(value, Vaulted) else value
        yield _branch(f"{{{name} = {shown}}}", depth)


def _branch(text: str, depth: int) -> str:
    return "  |" * depth + "--" + text if depth else text


def unused_vars_files(inventory: Inventory, directories: Sequence[VarsDirectory]) -> list[InventoryError]:
    found: dict[str, InventoryError] = {}
    for directory in directories:
        for kind, known in ((GROUP_VARS, inventory.groups), (HOST_VARS, inventory.hosts)):
            for entry in sorted(directory.names(kind)):
                name = _without_extension(entry)
                if entry in known or name in known or entry.startswith(".") or entry.endswith("~"):
                    continue
                path = os.path.join(directory.path, kind, entry)
                what = "group" if kind == GROUP_VARS else "host"
                if not (what == "host" and name in ("localhost", "127.0.0.1", "::1")):
                    hint = did_you_mean(name, known) if len(found) < MAX_HINTS else None
                    found[path] = Place(path).warning(f"variables for the unknown {what} {name}", hint=hint)
    return list(found.values())


def _without_extension(entry: str) -> str:
    stem, extension = os.path.splitext(entry)
    return stem if extension in EXTENSIONS else entry
