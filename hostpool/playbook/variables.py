"""Which variables a task of a host sees: Ansible's precedence, as layers of a Scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import msgspec

from hostpool.playbook.jobs import Jobs
from hostpool.playbook.lookuppaths import SEARCH_PATH
from hostpool.playbook.model import Play, Task
from hostpool.playbook.world import World
from hostpool.tasks.modules.facts_program import NAMES
from hostpool.templating.scope import Scope
from hostpool.templating.template import Wanted, prepared

_INTERFACES = ("ansible_eth", "ansible_en", "ansible_wl", "ansible_lo", "ansible_bond", "ansible_br",
               "ansible_docker", "ansible_veth", "ansible_tun", "ansible_tap", "ansible_vlan")  # fmt: skip
_NOT_FACTS = frozenset(("ansible_loop", "ansible_local_tmp", "ansible_loop_var"))


class FactsWanted(Wanted):
    """Somebody reads a fact of ``host`` that was not gathered yet."""

    def __init__(self, host: str) -> None:
        super().__init__(f"facts of {host}")
        self.host = host


class Facts(Mapping[str, Any]):
    """A host's facts, gathered when the first of them is read. ``elided``: they may still be had."""

    __slots__ = ("_host", "elided", "known")

    def __init__(self, host: str) -> None:
        self._host = host
        self.known: dict[str, Any] | None = None
        self.elided = False

    def take(self, facts: Mapping[str, Any]) -> None:
        """Adds what a module found."""
        self.known = {**(self.known or {}), **facts}

    def get(self, name: str, default: Any = None) -> Any:
        if self.elided and is_fact(name):
            raise FactsWanted(self._host)
        if name == "ansible_facts":
            return self.short
        return default if self.known is None else self.known.get(name, default)

    def __getitem__(self, name: str) -> Any:
        found = self.get(name, Facts)
        if found is Facts:
            raise KeyError(name)
        return found

    @property
    def short(self) -> dict[str, Any]:
        """As ``ansible_facts`` has them: without the prefix (except where it belongs to the name)."""
        return {name.removeprefix("ansible_"): value for name, value in (self.known or {}).items()}

    def __contains__(self, name: object) -> bool:
        if self.elided and is_fact(str(name)):
            raise FactsWanted(self._host)
        return name == "ansible_facts" or (self.known is not None and name in self.known)

    def __iter__(self) -> Iterator[str]:
        yield "ansible_facts"
        yield from self.known or {}

    def __len__(self) -> int:
        return 1 + len(self.known or {})


@lru_cache(4096)
def is_fact(name: str) -> bool:
    if not name.startswith("ansible_") or name in _NOT_FACTS:
        return False
    return name == "ansible_facts" or name[8:] in NAMES or name.startswith(_INTERFACES)


class HostVars(Mapping[str, Any]):
    """``hostvars``: every host's variables, looked up when they are read."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def __getitem__(self, host: str) -> Scope:
        if not self._variables.world.has(host):
            raise KeyError(host)
        return self._variables.of_host(host)

    def __contains__(self, host: object) -> bool:
        return self._variables.world.has(str(host))

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables.world.hosts)

    def __len__(self) -> int:
        return len(self._variables.world.hosts)


class Groups(Mapping[str, list[str]]):
    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, name: str) -> list[str]:
        if name not in self._world.groups:
            raise KeyError(name)
        return list(self._world.members(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._world.groups)

    def __len__(self) -> int:
        return len(self._world.groups)


FilesOf = Callable[[str], dict[str, Any]]


class HostFiles(Mapping[str, Any]):
    """A play's ``vars_files`` for one host, read when the first variable is looked for in them: their
    names may hold facts."""

    __slots__ = ("_host", "_known", "_variables")

    def __init__(self, variables: Variables, host: str) -> None:
        self._variables = variables
        self._host = host
        self._known: dict[str, Any] | None = None

    @property
    def _values(self) -> dict[str, Any]:
        if self._known is None:
            with self._variables.without_files():
                self._known = self._variables._files_of(self._host)
        return self._known

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _OfTask(msgspec.Struct):
    """What a task sees on each host of a play alike."""

    own: dict[str, Any]
    params: tuple[Mapping[str, Any], ...]
    vars: tuple[Mapping[str, Any], ...]
    defaults: tuple[Mapping[str, Any], ...]


class Variables:
    """What is known of all hosts while playbooks run."""

    def __init__(self, world: World, extra: Mapping[str, Any], magic: Mapping[str, Any]) -> None:
        self.world = world
        self.extra = {name: prepared(value) for name, value in extra.items()}
        self.jobs = Jobs()
        self.registered: dict[str, dict[str, Any]] = {}
        self.included: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, Facts] = {}
        self._inventory: dict[str, dict[str, Any]] = {}
        self._magic = {
            **magic,
            "hostvars": HostVars(self),
            "groups": Groups(world),
        }
        self.play: Play | None = None
        self.play_layers: tuple[Mapping[str, Any], ...] = ()
        self.files_wanted = True
        self._files_of: FilesOf = lambda host: {}
        self._files: dict[str, HostFiles] = {}
        self.play_magic: dict[str, Any] = {}
        self._of_tasks: dict[Task, _OfTask] = {}

    def facts(self, host: str) -> Facts:
        found = self._facts.get(host)
        if found is None:
            found = self._facts[host] = Facts(host)
        return found

    def set(self, host: str, values: Mapping[str, Any]) -> None:
        """``register`` and ``set_fact``: data, never rendered again."""
        self.registered.setdefault(host, {}).update(values)

    def include(self, host: str, values: Mapping[str, Any]) -> None:
        self.included.setdefault(host, {}).update(values)

    def inventory_of(self, host: str) -> dict[str, Any]:
        found = self._inventory.get(host)
        if found is None:
            found = {name: prepared(value) for name, value in self.world.plain_vars(host).items()}
            self._inventory[host] = found
        return found

    def forget_inventory(self) -> None:
        """After ``add_host`` and ``group_by``."""
        self._inventory.clear()

    @contextmanager
    def without_files(self) -> Iterator[None]:
        """While facts are gathered nobody asks for files whose names depend on them."""
        before, self.files_wanted = self.files_wanted, False
        try:
            yield
        finally:
            self.files_wanted = before

    def begin(self, play: Play, files: FilesOf, magic: Mapping[str, Any]) -> None:
        """A play begins: its variables are what counts from now on. ``files`` reads the vars_files of
        a host."""
        self.play = play
        self._files_of, self._files = files, {}
        self._of_tasks = {}
        exported = tuple(role.vars for role in reversed(play.roles) if role.public and role.vars)
        self.play_layers = tuple(layer for layer in (play.vars, *exported) if layer)
        self.play_magic = {**self._magic, **magic, "playbook_dir": play.directory}

    def of_host(self, host: str) -> Scope:
        """Without any task: what ``hostvars`` shows, and what a play's own keywords see."""
        return Scope(
            self.play_magic or self._magic,
            self.extra,
            self.registered.get(host, {}),
            self.included.get(host, {}),
            self.files(host),
            *self.play_layers,
            self.facts(host),
            self.inventory_of(host),
            *self._defaults(None),
        )

    def of_task(self, host: str, task: Task, more: Mapping[str, Any] | None = None) -> Scope:
        """``more``: the item of a loop and its kin, above all."""
        shared = self._of_tasks.get(task)
        if shared is None:
            shared = self._of_tasks[task] = self._shared(task)
        layers: list[Mapping[str, Any]] = [more] if more else []
        layers += ({**shared.own, "inventory_hostname": host}, self.play_magic)
        if self.extra:
            layers.append(self.extra)
        layers += shared.params
        if own := self.registered.get(host):
            layers.append(own)
        if own := self.included.get(host):
            layers.append(own)
        layers += shared.vars
        files = self.files(host)
        if files is not _NONE:
            layers.append(files)
        layers += self.play_layers
        layers += (self.facts(host), self.inventory_of(host))
        layers += shared.defaults
        return Scope(*layers)

    def _shared(self, task: Task) -> _OfTask:
        chain = task.role.chain() if task.role is not None else []
        return _OfTask(
            self._of_this_task(task),
            tuple(layer for layer in (*(each.params for each in chain), *task.keywords.params) if layer),
            tuple(layer for layer in (*task.keywords.vars, *(each.vars for each in chain)) if layer),
            tuple(self._defaults(task)),
        )

    def files(self, host: str) -> Mapping[str, Any]:
        if self.play is None or not self.play.vars_files or not self.files_wanted:
            return _NONE
        found = self._files.get(host)
        if found is None:
            found = self._files[host] = HostFiles(self, host)
        return found

    def _defaults(self, task: Task | None) -> list[Mapping[str, Any]]:
        chain = task.role.chain() if task is not None and task.role is not None else []
        roles = self.play.roles if self.play is not None else []
        others = [role for role in reversed(roles) if role.public and role not in chain]
        return [role.defaults for role in (*chain, *others) if role.defaults]

    def _of_this_task(self, task: Task) -> dict[str, Any]:
        assert self.play is not None
        directory = self.play.directory
        found: dict[str, Any] = {SEARCH_PATH: search_path(task, directory)}
        if task.role is not None:
            found.update(role_name=task.role.name, ansible_role_name=task.role.name, role_path=task.role.path)
            parents = [role.name for role in _parents(task.role)]
            found.update(ansible_parent_role_names=parents)
            if parents:
                found["ansible_parent_role_paths"] = [role.path for role in _parents(task.role)]
        check = task.keywords.check_mode
        if isinstance(check, bool):
            found["ansible_check_mode"] = check
        return found


_NONE: Mapping[str, Any] = {}


def _parents(role: Any) -> list[Any]:
    found = []
    while role.parent is not None:
        role = role.parent
        found.append(role)
    return found


def search_path(task: Task, directory: str) -> list[str]:
    """Where files of the task are looked for: its role, the roles that used it, its own directory, the
    playbook's."""
    found = []
    role = task.role
    while role is not None:
        found.append(role.path)
        role = role.parent
    own = task.place.file.rpartition("/")[0]
    return list(dict.fromkeys([*found, own or ".", directory]))
