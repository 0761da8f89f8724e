"""An inventory in the making: every source adds to one Draft, by the rules Ansible merges them.

Sources: Ansible's inventory/data.py and group.py (2.19).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from hostpool.errors import InventoryError
from hostpool.inventory.model import Group, Host, Place
from hostpool.inventory.suggest import did_you_mean
from hostpool.inventory.variables import CONNECTION_VARIABLES


class Draft:
    """``problems`` keep the inventory from loading, ``warnings`` do not."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.groups: dict[str, Group] = {}
        self.problems: list[InventoryError] = []
        self.warnings: list[InventoryError] = []
        self.vaulted = False
        self.source: str | None = None
        self.directory: str | None = None
        self._checked_names: set[str] = set()
        self.add_group("all")
        self._link("all", self.add_group("ungrouped").name)

    def add_group(self, name: str) -> Group:
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name)
        return group

    def add_host(self, name: str, group: Group, port: int | None = None) -> Host:
        """The first mention of a host decides on its port and its ``inventory_file``."""
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = Host(name, self.source, self.directory)
            if port:
                host.vars["ansible_port"] = port
        if name not in group.hosts:
            group.hosts[name] = None
            host.groups.append(group.name)
        return host

    def add_hosts(
        self, names: Iterable[str], group: Group, port: int | None, variables: dict[str, Any], place: Place
    ) -> None:
        """Hosts of one entry, sharing its variables."""
        for name in names:
            self.add_host(name, group, port)
            if variables:
                self.set_host_vars(name, variables, place)

    def set_host_vars(self, name: str, variables: dict[str, Any], place: Place) -> None:
        """A group of the same name takes a host's variables: so does Ansible."""
        namesake = self.groups.get(name)
        if namesake is None:
            self.hosts[name].vars.update(variables)
        else:
            for key, value in variables.items():
                self.set_group_var(namesake, key, value, place)

    def set_group_var(self, group: Group, key: str, value: Any, place: Place) -> None:
        if key != "ansible_group_priority":
            group.vars[key] = value
            return
        try:
            group.priority = int(value)
        except (TypeError, ValueError, OverflowError):
            self.problems.append(
                place.error(
                    f"ansible_group_priority of {group.name} is {value!r}", hint="write a whole number"
                )
            )

    def check_name(self, name: str, place: Place) -> None:
        """Warn of a variable that is most likely a misspelt connection variable."""
        if name in self._checked_names:
            return
        self._checked_names.add(name)
        if name.startswith(("ansible_", "anisble_", "ansibel_")) and name not in CONNECTION_VARIABLES:
            hint = did_you_mean(name, CONNECTION_VARIABLES, 0.88)
            if hint is not None:
                self.warnings.append(place.warning(f"unknown connection variable {name}", hint=hint))

    def add_child(self, parent: str, child: str, place: Place) -> None:
        """Make the group ``child`` a member of ``parent``; a cycle becomes a problem."""
        if parent == child:
            self.problems.append(place.error(f"group {child} is its own child"))
        elif child == "all":
            self.problems.append(
                place.error(f"group all cannot be a child of {parent}", hint="every group is in all anyway")
            )
        elif child in self._ancestors(parent):
            self.problems.append(
                place.error(
                    f"group {child} cannot be a child of {parent}: {parent} is already inside {child}",
                    hint="take one of the two away",
                )
            )
        else:
            self._link(parent, child)

    def _link(self, parent: str, child: str) -> None:
        if child not in self.groups[parent].children:
            self.groups[parent].children.append(child)
            self.groups[child].parents.append(parent)

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = list(self.groups[name].parents)
        while waiting:
            group = waiting.pop()
            if group not in found:
                found.add(group)
                waiting.extend(self.groups[group].parents)
        return found

    def finish(self) -> None:
        """Put every group under ``all`` and every other host into ``ungrouped``; rank the groups."""
        for group in self.groups.values():
            if group.name != "all" and not group.parents:
                self._link("all", group.name)
        self._settle_ungrouped()
        self._set_depths()
        for name in self.hosts.keys() & self.groups.keys():
            place = Place(self.hosts[name].source or "")
            self.warnings.append(
                place.warning(
                    f"{name} is both a host and a group", hint="the host's variables go to the group"
                )
            )

    def _settle_ungrouped(self) -> None:
        ungrouped = self.groups["ungrouped"]
        closures: dict[tuple[str, ...], set[str]] = {}
        for host in self.hosts.values():
            key = tuple(host.groups)
            if key not in closures:
                closures[key] = set(key).union(*map(self._ancestors, key)) - {"all"}
            groups = closures[key]
            if not groups:
                ungrouped.hosts[host.name] = None
                host.groups.append("ungrouped")
            elif "ungrouped" in key and groups != {"ungrouped"}:
                del ungrouped.hosts[host.name]
                host.groups.remove("ungrouped")

    def _set_depths(self) -> None:
        missing = {name: len(group.parents) for name, group in self.groups.items()}
        ready = deque(["all"])
        while ready:
            group = self.groups[ready.popleft()]
            for name in group.children:
                child = self.groups[name]
                child.depth = max(child.depth, group.depth + 1)
                missing[name] -= 1
                if not missing[name]:
                    ready.append(name)
