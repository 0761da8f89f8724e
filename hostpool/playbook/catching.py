"""A host of a play that takes up an earlier run: what is behind it is skipped, without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostpool.playbook.cursor import Cursor, Position
from hostpool.playbook.handlers import Handlers
from hostpool.playbook.including import included
from hostpool.playbook.model import Play, Task
from hostpool.playbook.outcomes import GATHER
from hostpool.playbook.playwords import Words

if TYPE_CHECKING:
    from hostpool.playbook.machine import Machine


class Catching:
    def __init__(self, machine: Machine, play: Play, words: Words, handlers: Handlers) -> None:
        self._machine = machine
        self._play = play
        self._words = words
        self._handlers = handlers

    def next_of(self, host: str, cursor: Cursor) -> Position | None:
        """The host's next task. None: there is none, or none at which it could go on (then it failed)."""
        place, catch = cursor.peek(), self._machine.keeping.catching(host)
        if catch is None:
            return place
        while place is not None and catch.skips(place.key, self._words.title(host, place.task)):
            self._skip(host, place.task)
            cursor.done()
            place = cursor.peek()
        if catch.over:
            self._machine.keeping.caught_up(host)
        elif place is None:
            self._machine.keeping.caught_up(host)
            self._cannot_go_on(host, catch.wanted)
        return place

    def is_behind(self, host: str, section: int) -> bool:
        """Whether the host goes on in a later section of the play than this."""
        catch = self._machine.keeping.catching(host)
        return catch is not None and section < catch.section

    def _skip(self, host: str, task: Task) -> None:
        if task.name == GATHER and task.place is self._play.place:
            self._machine.variables.facts(host).elided = True
        for args in self._machine.keeping.brought(task):
            for role in included(self._machine.loader, self._play, task, args, {}).roles:
                self._handlers.add(role)

    def _cannot_go_on(self, host: str, title: str) -> None:
        state = self._machine.state(host)
        state.failed, state.status, state.ran = True, "failed", True
        state.why = f"the play has no task {title!r} any more, at which the host could go on"
        state.hint = "rerun with --from-start"
        self._machine.recap.add(host, "failed")
