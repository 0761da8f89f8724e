"""What a run keeps for another that takes it up, and how that one begins with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hostpool.playbook.actions import included_variables
from hostpool.playbook.cursor import Stand
from hostpool.playbook.model import Task
from hostpool.playbook.resume import Catch, Host, Included, Left, Notice, digests, gone, kept
from hostpool.playbook.variables import is_fact

if TYPE_CHECKING:
    from hostpool.playbook.machine import Machine


def place_of(task: Task) -> str:
    return f"{task.place.file}:{task.place.line}"


class Keeping:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._left = machine.options.left
        self._stands: dict[str, tuple[int, Stand, list[str]]] = {}
        self._notices: dict[str, list[Notice]] = {}
        self._hidden: dict[str, set[str]] = {}
        self._files: dict[str, list[tuple[str, list[str]]]] = {}
        self._included: list[Included] = []
        self._world: list[list[Any]] = []
        self._catching: dict[str, Catch] = {}

    # -- while it runs ---------------------------------------------------------------------------------

    def stands(self, host: str, stand: Stand, titles: list[str]) -> None:
        """Where the host stopped; the first time counts."""
        self._stands.setdefault(host, (self._machine.index, stand, titles))

    def forgets(self, host: str) -> None:
        self._stands.pop(host, None)

    def owes(self, host: str, notices: list[Notice]) -> None:
        self._notices.setdefault(host, []).extend(notices)

    def hides(self, host: str, names: list[str]) -> None:
        self._hidden.setdefault(host, set()).update(names)

    def shows(self, host: str, names: list[str]) -> None:
        self._hidden.get(host, set()).difference_update(names)

    def included(self, host: str, name: str, files: list[str]) -> None:
        self._files.setdefault(host, []).append((name, files))

    def brought_roles(self, task: Task, args: dict[str, Any]) -> None:
        found = Included(self._machine.index, place_of(task), args)
        if found not in self._included:
            self._included.append(found)

    def grew(self, *change: Any) -> None:
        """The inventory; ``change`` is the name of the World's method and what it got."""
        if list(change) not in self._world:
            self._world.append(list(change))

    # -- at the end ------------------------------------------------------------------------------------

    def left(self, mask: Callable[[str], str], *, output: bool = True) -> Left:
        """``mask`` takes secrets out of a text; without ``output`` no variables are kept."""
        machine = self._machine
        hosts = {host: self._host(host, mask, output) for host in machine.known_hosts()}
        for name in machine.unbegun():
            hosts.setdefault(name, Host()).play = machine.index
        for host in hosts.values():
            if machine.cut and host.play is None:
                host.play = machine.index + 1
        return Left(digests(machine.loader.files.names), hosts, self._included, self._world)

    def _host(self, name: str, mask: Callable[[str], str], output: bool) -> Host:
        variables = self._machine.variables
        facts = variables.facts(name)
        host = Host(facts_gathered=facts.elided or facts.known is not None)
        hidden = self._hidden.get(name, set())
        host.variables, host.missing = kept(variables.registered.get(name, {}), mask, sorted(hidden))
        own = {key: value for key, value in (facts.known or {}).items() if not is_fact(key)}
        host.facts, lost = kept(own, mask, ())
        if not output:
            lost |= dict.fromkeys([*host.variables, *host.facts], "history_output is off")
            host.variables, host.facts = {}, {}
        host.missing |= lost
        host.included = self._files.get(name, [])
        if name in self._stands:
            host.play, stand, titles = self._stands[name]
            host.key, host.trail = list(stand.key), titles
            host.notices = self._notices.get(name, [])
        return host

    # -- at the beginning ------------------------------------------------------------------------------

    def restore(self) -> None:
        left, machine = self._left, self._machine
        if left is None:
            return
        self._world, self._included = left.world, left.included
        for method, *words in left.world:
            getattr(machine.world, method)(*words)
        machine.variables.forget_inventory()
        for name, host in left.hosts.items():
            lost = {each: gone(each, why) for each, why in host.missing.items()}
            machine.variables.set(name, {**host.variables, **lost})
            self.hides(name, [each for each, why in host.missing.items() if "no_log" in why])
            for into, files in host.included:
                self.included(name, into, files)
                machine.variables.include(name, included_variables(files, into, machine.loader.files))
            facts = machine.variables.facts(name)
            if host.facts:
                facts.take(host.facts)
            facts.elided = host.facts_gathered
            if host.play is not None and host.trail:
                self._catching[name] = Catch(host, exact=machine.options.exact)

    def due(self, name: str) -> bool:
        """Whether the host has anything left to do in the play at hand."""
        if self._left is None or name not in self._left.hosts:
            return True
        play = self._left.hosts[name].play
        return play is not None and play <= self._machine.index

    def catching(self, name: str) -> Catch | None:
        """What the host skips in the play at hand."""
        if self._left is None or name not in self._catching:
            return None
        return self._catching[name] if self._left.hosts[name].play == self._machine.index else None

    def caught_up(self, name: str) -> None:
        self._catching.pop(name, None)

    def owed(self, name: str) -> list[Notice]:
        """Handlers that were pending in the play at hand; given out once."""
        if self._left is None or name not in self._left.hosts:
            return []
        host = self._left.hosts[name]
        if host.play != self._machine.index:
            return []
        notices, host.notices = host.notices, []
        return notices

    def brought(self, task: Task) -> list[dict[str, Any]]:
        """What an include that is skipped had brought roles with."""
        place, index = place_of(task), self._machine.index
        known = self._left.included if self._left is not None else []
        return [each.args for each in known if each.place == place and each.play == index]
