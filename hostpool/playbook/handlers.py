"""The handlers of a play while it runs, and which of them each host has been notified of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hostpool.playbook.keeping import place_of
from hostpool.playbook.model import Node, Play, Role, Task
from hostpool.playbook.outs import Said
from hostpool.playbook.playwords import Words
from hostpool.playbook.resume import Notice

if TYPE_CHECKING:
    from hostpool.playbook.machine import Machine


class Handlers:
    def __init__(self, machine: Machine, play: Play, hosts: Sequence[str], words: Words) -> None:
        self._machine = machine
        self._words = words
        self._all: list[Task] = list(play.handlers)
        self._notified: dict[str, set[int]] = {host: set() for host in hosts}
        self._owed = {host: machine.keeping.owed(host) for host in hosts}

    def add(self, role: Role) -> None:
        """The handlers of a role that an include brought."""
        known = {(handler.place, handler.module) for handler in self._all}
        self._all += [h for h in role.handlers if (h.place, h.module) not in known]
        for dependency in role.dependencies:
            self.add(dependency)

    def notify(self, hosts: Sequence[str], task: Task) -> bool:
        """False: a handler that nobody knows was notified."""
        for notice in task.keywords.notify:
            for host in hosts:
                name = str(self._words.value(host, task, notice))
                numbers = self._called(name, host)
                if not numbers:
                    message = f"The requested handler '{name}' was not found"
                    self._machine.say(Said(f"{message} among the handlers and what they listen to"))
                    return False
                self._notified[host].update(numbers)
        return True

    def _called(self, name: str, host: str) -> list[int]:
        """The last handler of this name, and all that listen to it."""
        found: list[int] = []
        for number, handler in reversed(list(enumerate(self._all))):
            title = self._words.title(host, handler)
            own = str(self._words.value(host, handler, handler.name) or "")
            if name in (own, title):
                found.append(number)
                break
        listening = [n for n, handler in enumerate(self._all) if name in handler.listen]
        return sorted({*found, *listening})

    def take(self, host: str) -> list[tuple[int, Node]]:
        """The handlers this host has been notified of, in the order they are defined; each once."""
        self._settle_owed(host)
        numbers = sorted(self._notified[host])
        self._notified[host].clear()
        return [(number, self._all[number]) for number in numbers]

    def _settle_owed(self, host: str) -> None:
        """Handlers that an earlier run had notified."""
        exact = self._machine.options.exact
        for notice in self._owed.pop(host, ()):
            found = [
                number
                for number, handler in enumerate(self._all)
                if self._words.title(host, handler) == notice.title
                and (not exact or place_of(handler) == notice.place)
            ]
            if found:
                self._notified[host].add(found[-1])
            else:
                self._machine.say(Said(f"{host}: the pending handler {notice.title!r} is no longer there"))

    def keep(self, host: str, numbers: Iterable[int]) -> None:
        """These are still to run, by whoever takes the run up."""
        handlers = [self._all[number] for number in numbers]
        notices = [Notice(place_of(handler), self._words.title(host, handler)) for handler in handlers]
        self._machine.keeping.owes(host, notices)

    def keep_pending(self, host: str) -> None:
        self.keep(host, sorted(self._notified[host]))
        self._notified[host].clear()
