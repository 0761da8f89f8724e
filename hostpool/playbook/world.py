"""The hosts of a run as plays see them: the inventory, what ``add_host`` and ``group_by`` add, facts.

The pool asks it how each host is reached: it stands in for the inventory there, and knows hosts also
under the names that a play's own user, port or connection give them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hostpool.inventory import Group, Host, Inventory
from hostpool.inventory.model import Place, Vaulted
from hostpool.inventory.varsfiles import VarsDirectory
from hostpool.playbook.vault import is_vault

Reveal = Callable[[Vaulted], str]

CONNECTION = (
    "ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_ssh_user",
    "ansible_password", "ansible_ssh_pass", "ansible_ssh_private_key_file", "ansible_private_key_file",
    "ansible_ssh_common_args", "ansible_ssh_extra_args",
)  # fmt: skip
"""Variables that a play may set and that decide how a host is reached."""


class _Readable(VarsDirectory):
    """Variables files beside a source, encrypted ones too."""

    def __init__(self, plain: VarsDirectory, reveal: Reveal) -> None:
        super().__init__(plain.path)
        self._reveal = reveal

    def _read(self, path: str) -> dict[str, Any]:
        data = Path(path).read_bytes() if Path(path).is_file() else b""
        if not is_vault(data):
            return super()._read(path)
        text = self._reveal(Vaulted(data.decode("ascii", "replace"), Place(path, 1)))
        return self._parsed(text.encode(), path)


class World(Inventory):
    """An inventory that grows. ``vars_of`` answers for names made by ``route`` too."""

    def __init__(self, base: Inventory, directory: str, reveal: Reveal) -> None:
        directories = [_Readable(each, reveal) for each in (*base._directories, VarsDirectory(directory))]
        super().__init__(
            base.hosts, base.groups, directories[:-1], warnings=base.warnings, vaulted=base._vaulted,
            beside=directories[-1:],
        )  # fmt: skip
        self._reveal = reveal
        self._routes: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._names: dict[tuple[str, tuple[tuple[str, Any], ...]], str] = {}
        self._plain: dict[str, dict[str, Any]] = {}

    def has(self, host: str) -> bool:
        return host in self._routes or super().has(host)

    def plain_vars(self, host: str) -> dict[str, Any]:
        """The inventory's variables of a host, vault values decrypted. Raises InventoryError."""
        found = self._plain.get(host)
        if found is None:
            found = self.merged(host)
            for name, value in found.items():
                if isinstance(value, Vaulted):
                    found[name] = self._reveal(value)
            self._plain[host] = found
        return found

    def vars_of(self, host: str) -> Mapping[str, Any]:
        """For the pool: no other user, since each task says that for itself."""
        name, own = self._routes.get(host, (host, {}))
        return {**self.plain_vars(name), **own, "ansible_become": False}

    def route(self, host: str, own: Mapping[str, Any]) -> str:
        """The name under which the pool reaches ``host`` with these connection variables."""
        if not own:
            return host
        key = (host, tuple(sorted((name, str(value)) for name, value in own.items())))
        known = self._names.get(key)
        if known is None:
            said = ", ".join(f"{n.removeprefix('ansible_')} {v}" for n, v in key[1] if "pass" not in n)
            known = f"{host} ({said})"
            while known in self._routes:
                known += "'"
            self._names[key] = known
            self._routes[known] = (host, own)
        return known

    def of_route(self, name: str) -> str:
        """The host behind a name of the pool."""
        return self._routes.get(name, (name, {}))[0]

    def add_host(self, name: str, groups: list[str], variables: Mapping[str, Any]) -> bool:
        """Whether that changed anything."""
        changed = False
        host = self.hosts.get(name)
        if host is None:
            changed = True
            host = Host(name)
            self.hosts = {**self.hosts, name: host}
            self._enter(host, "all")
            if not groups:
                self._enter(host, "ungrouped")
        for group in groups:
            changed = self._enter(host, group) or changed
        for key, value in variables.items():
            if key not in host.vars or host.vars[key] != value:
                host.vars[key] = value
                changed = True
        self._forget()
        return changed

    def group_by(self, host: str, group: str, parents: list[str]) -> bool:
        """Whether the host is new in the group."""
        known = self.hosts.get(host)
        if known is None:
            return False
        changed = self._enter(known, group)
        for parent in parents:
            self._group(parent)
            if group not in self.groups[parent].children:
                self.groups[parent].children.append(group)
                self.groups[group].parents.append(parent)
        self._forget()
        return changed

    def _group(self, name: str) -> Group:
        found = self.groups.get(name)
        if found is None:
            found = Group(name)
            found.parents.append("all")
            found.depth = 1
            self.groups = {**self.groups, name: found}
            if "all" in self.groups:
                self.groups["all"].children.append(name)
        return found

    def _enter(self, host: Host, name: str) -> bool:
        group = self._group(name)
        if host.name in group.hosts:
            return False
        group.hosts[host.name] = None
        if name not in host.groups:
            host.groups.append(name)
        return True

    def _forget(self) -> None:
        for known in (self._ancestry, self._members, self._group_layers, self._host_layers, self._plain):
            known.clear()
