"""What keywords and names come to on a host of a play."""

from __future__ import annotations

from typing import Any

from hostpool.playbook.calls import yes
from hostpool.playbook.model import Task
from hostpool.playbook.variables import Variables
from hostpool.templating.template import MADE, RenderError, Wanted, resolve


class Words:
    def __init__(self, variables: Variables, first: str) -> None:
        """``first``: the play's first host, for which the play's own keywords are read."""
        self._variables = variables
        self._first = first

    def value(self, host: str, task: Task, value: Any) -> Any:
        """A keyword's value on this host; None where it cannot be known."""
        if not isinstance(value, MADE):
            return value
        try:
            return resolve(value, self._variables.of_task(host, task))
        except (RenderError, Wanted):
            return None

    def says(self, host: str, task: Task, value: Any) -> bool:
        return yes(self.value(host, task, value), {})

    def of_play(self, value: Any) -> Any:
        """A keyword of the play, as its first host sees it; None where it cannot be known."""
        try:
            return resolve(value, self._variables.of_host(self._first))
        except (RenderError, Wanted):
            return None

    def play_says(self, value: Any, default: bool = False) -> bool:
        return yes(self.of_play(value), {}, default)

    def hides(self, host: str, task: Task) -> bool:
        """``no_log``; what cannot be known is hidden rather than shown."""
        value = self.value(host, task, task.keywords.no_log)
        if value is None:
            return task.keywords.no_log is not None
        return yes(value, {})

    def title(self, host: str, task: Task) -> str:
        name = task.name
        if isinstance(name, MADE):
            try:
                name = str(resolve(name, self._variables.of_task(host, task)))
            except (RenderError, Wanted):
                name = getattr(task.name, "text", task.module)
        name = str(name) if name not in (None, "") else task.module
        return f"{task.role.name} : {name}" if task.role is not None else name
