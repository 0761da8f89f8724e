"""The loaded inventory: hosts, groups, variables with their precedence, selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hostpool.errors import InventoryError
from hostpool.inventory import listing, patterns
from hostpool.inventory.model import LOCALHOST, Group, Host, Vaulted
from hostpool.inventory.patterns import Selection
from hostpool.inventory.suggest import did_you_mean
from hostpool.inventory.varsfiles import GROUP_VARS, HOST_VARS, VarsDirectory

Pattern = str | Sequence[str]


class Inventory:
    """Read-only after ``load``. Every order is the order of the sources.

    Precedence of variables, lowest first: inline variables of ``all``, of the other groups (by depth,
    ``ansible_group_priority``, name); files of ``all``, of the other groups; the host's inline variables;
    its files. A later value replaces an earlier one whole.
    """

    def __init__(
        self,
        hosts: Mapping[str, Host],
        groups: Mapping[str, Group],
        directories: Sequence[VarsDirectory] = (),
        *,
        warnings: Sequence[InventoryError] = (),
        vaulted: bool = False,
        beside: Sequence[VarsDirectory] = (),
    ) -> None:
        self.hosts: Mapping[str, Host] = MappingProxyType(dict(hosts))
        self.groups: Mapping[str, Group] = MappingProxyType(dict(groups))
        self.warnings = tuple(warnings)
        self._directories = tuple(directories)
        self._beside = tuple(beside)
        self._vaulted = vaulted
        self._ancestry: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._members: dict[str, tuple[str, ...]] = {}
        self._group_layers: dict[tuple[str, ...], dict[str, Any]] = {}
        self._host_layers: dict[str, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Inventory({len(self.hosts)} hosts, {len(self.groups)} groups)"

    def beside(self, directory: str) -> Inventory:
        """This inventory with the group_vars/ and host_vars/ in ``directory`` too: a playbook's own rank
        just above the inventory's of the same kind."""
        return Inventory(
            self.hosts,
            self.groups,
            self._directories,
            warnings=self.warnings,
            vaulted=self._vaulted,
            beside=(*self._beside, VarsDirectory(directory)),
        )

    # -- members -----------------------------------------------------------------------------------------

    def has(self, host: str) -> bool:
        """Whether ``host`` is known; ``localhost`` always is."""
        return host in self.hosts or host in LOCALHOST

    def host(self, name: str) -> Host:
        """The host, the implicit localhost too. Raises InventoryError for an unknown name."""
        found = self.hosts.get(name)
        if found is None and name in LOCALHOST:
            found = Host(name)
            found.vars["ansible_connection"] = "local"
            found.implicit = True
        if found is None:
            raise InventoryError(f"unknown host {name}", hint=did_you_mean(name, self.hosts))
        return found

    def group(self, name: str) -> Group:
        """Raises InventoryError for an unknown name."""
        found = self.groups.get(name)
        if found is None:
            raise InventoryError(f"unknown group {name}", hint=did_you_mean(name, self.groups))
        return found

    def groups_of(self, host: str) -> tuple[str, ...]:
        """All groups ``host`` is in, through their children too, sorted; without ``all``."""
        direct = tuple(self.host(host).groups)
        known = self._ancestry.get(direct)
        if known is None:
            found: set[str] = set()
            waiting = list(direct)
            while waiting:
                name = waiting.pop()
                if name not in found:
                    found.add(name)
                    waiting += self.groups[name].parents
            known = self._ancestry[direct] = tuple(sorted(found - {"all"}))
        return known

    def members(self, group: str) -> tuple[str, ...]:
        """The hosts of a group and of its children, level by level, each once."""
        known = self._members.get(group)
        if known is None:
            found: dict[str, None] = {}
            for name in self._descendants(group):
                found.update(self.groups[name].hosts)
            known = self._members[group] = tuple(found)
        return known

    def _descendants(self, group: str) -> Iterator[str]:
        level, seen = {group: None}, {group}
        while level:
            yield from level
            level = {c: None for name in level for c in self.groups[name].children if c not in seen}
            seen.update(level)

    # -- selection ---------------------------------------------------------------------------------------

    def select(
        self, pattern: Pattern = "all", limit: Pattern | None = None, exclude: Pattern | None = None
    ) -> list[str]:
        """The hosts ``pattern`` selects, as Ansible orders them, each once; possibly none.

        Only hosts that ``limit`` selects too and ``exclude`` does not. Raises PatternError for a pattern
        that is empty or cannot be read; ``match`` also tells what was unknown.
        """
        return list(self.match(pattern, limit, exclude).hosts)

    def match(
        self, pattern: Pattern = "all", limit: Pattern | None = None, exclude: Pattern | None = None
    ) -> Selection:
        """As ``select``, with what in the patterns is unknown or matched nothing."""
        return patterns.match(self, pattern, limit, exclude)

    # -- variables ---------------------------------------------------------------------------------------

    def vars_of(self, host: str) -> Mapping[str, Any]:
        """The variables of ``host``, merged, with ``inventory_hostname``, ``inventory_hostname_short``,
        ``group_names``, ``inventory_file`` and ``inventory_dir``. Templates in them stay text.

        Raises InventoryError for an unknown host, and InventoryError or Problems for a variables file that
        cannot be read. A variable encrypted with Vault raises InventoryError when it is looked up.
        """
        found = self._host_layers.get(host)
        if found is None:
            merged = self.merged(host)
            vaulted = self._vaulted or any(d.vaulted for d in (*self._directories, *self._beside))
            if vaulted and any(type(value) is Vaulted for value in merged.values()):
                found = GuardedVars(merged)
            else:
                found = MappingProxyType(merged)
            self._host_layers[host] = found
        return found

    def merged(self, host: str) -> dict[str, Any]:
        """A fresh dict of what ``vars_of`` gives, Vaulted values as they are."""
        found = self.host(host)
        names = self.groups_of(host)
        result = self._group_layer(names).copy()
        result.update(found.vars)
        for directory in (*self._directories, *self._beside):
            result.update(directory.values(HOST_VARS, host))
        result["inventory_hostname"] = host
        result["inventory_hostname_short"] = short_name(host)
        result["group_names"] = list(names)
        result["inventory_file"] = found.source
        result["inventory_dir"] = found.directory
        return result

    def _group_layer(self, names: tuple[str, ...]) -> dict[str, Any]:
        layer = self._group_layers.get(names)
        if layer is None:
            ranked = sorted((self.groups[name] for name in names), key=lambda group: group.rank)
            layer = dict(self.groups["all"].vars)
            for group in ranked:
                layer.update(group.vars)
            for group_names in (["all"], [group.name for group in ranked]):
                for directory in (*self._directories, *self._beside):
                    for name in group_names:
                        layer.update(directory.values(GROUP_VARS, name))
            self._group_layers[names] = layer
        return layer

    def group_vars(self, group: str) -> dict[str, Any]:
        """The variables of ``group`` alone, inline and from files."""
        found = self.group(group)
        result = dict(found.vars)
        for directory in (*self._directories, *self._beside):
            result.update(directory.values(GROUP_VARS, group))
        if found.priority != 1:
            result["ansible_group_priority"] = found.priority
        return result

    # -- what a person wants to see ----------------------------------------------------------------------

    def to_ansible_list(self, hosts: Sequence[str] | None = None) -> dict[str, Any]:
        """What ``ansible-inventory --list`` prints, as data JSON can carry; of ``hosts`` only, if given."""
        return listing.as_list(self, hosts)

    def host_view(self, host: str) -> dict[str, Any]:
        """What ``ansible-inventory --host`` prints. Raises InventoryError for an unknown host."""
        return listing.host_view(self, host)

    def graph(self, pattern: str = "all", vars: bool = False) -> str:
        """What ``ansible-inventory --graph`` prints for a group, with ``--vars`` too.

        Raises InventoryError for an unknown group."""
        return listing.graph(self, pattern, vars)

    def unused_vars_files(self) -> list[InventoryError]:
        """Warnings of variables files for groups and hosts that do not exist."""
        return listing.unused_vars_files(self, self._directories)


class GuardedVars(Mapping[str, Any]):
    """Variables, some of them encrypted: looking one of those up raises InventoryError."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        if type(value) is Vaulted:
            raise value.error(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def short_name(host: str) -> str:
    """The part before the first dot; addresses stay whole."""
    head, dot, rest = host.partition(".")
    if not dot or (head.isdigit() and rest.replace(".", "").isdigit() and rest.count(".") == 2):
        return host
    return host if ":" in host else head
