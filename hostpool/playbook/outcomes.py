"""What a task's end does on a host: to its variables, to the counts, to what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostpool.playbook.actions import Effects
from hostpool.playbook.model import Task
from hostpool.playbook.outs import TaskEnded
from hostpool.playbook.playwords import Words
from hostpool.playbook.results import CENSORED, Result
from hostpool.playbook.running import Ended
from hostpool.playbook.stats import gather

if TYPE_CHECKING:
    from hostpool.playbook.machine import Machine

GATHER = "Gathering Facts"


class Outcomes:
    def __init__(self, machine: Machine, words: Words, play: str) -> None:
        self._machine = machine
        self._words = words
        self._play = play

    def keep(self, host: str, task: Task, ended: Ended) -> None:
        """What the task registered and set."""
        about = host
        if self._words.says(host, task, task.keywords.delegate_facts):
            about = str(self._words.value(host, task, task.keywords.delegate_to) or host)
        names = [task.register] if task.register else []
        for effects in ended.effects:
            self._apply(host, effects, about)
            names += effects.facts
        keeping, variables = self._machine.keeping, self._machine.variables
        (keeping.hides if self._words.hides(host, task) else keeping.shows)(host, names)
        if task.module in ("setup", "gather_facts") and task.name != GATHER:
            variables.facts(host).elided = False
        if task.register:
            shown = {key: value for key, value in ended.result.items() if not key.startswith("_")}
            variables.set(host, {task.register: shown})

    def _apply(self, host: str, effects: Effects, about: str) -> None:
        """``about``: the host whose facts they are."""
        variables, world, keeping = self._machine.variables, self._machine.world, self._machine.keeping
        if effects.facts:
            variables.set(about, effects.facts)
        if effects.cached:
            variables.facts(about).take(effects.cached)
        if effects.sources is not None:
            variables.include(host, effects.included)
            keeping.included(host, *effects.sources)
        if effects.stats is not None:
            gather(self._machine.stats, host, effects.stats)
        for name, groups, values in effects.hosts:
            world.add_host(name, groups, values)
            keeping.grew("add_host", name, groups, dict(values))
        for group, parents in effects.groups:
            world.group_by(host, group, parents)
            keeping.grew("group_by", host, group, parents)
        if effects.hosts or effects.groups:
            variables.forget_inventory()

    def report(self, host: str, task: Task, title: str, result: Result, ignored: bool) -> None:
        """Counts it, and tells of it."""
        recap, state = self._machine.recap, self._machine.state(host)
        changed = bool(result.get("changed"))
        failed = bool(result.get("failed") or result.get("unreachable"))
        state.ran = True
        status = _status(result, failed, changed)
        if not failed:
            if status == "skipped":
                recap.add(host, "skipped")
            else:
                recap.add(host, "ok", *(["changed"] if changed else []))
                state.changed = state.changed or changed
        elif ignored:
            recap.add(host, "ok", "ignored", *(["changed"] if changed else []))
        if self._words.hides(host, task):
            result = {"censored": CENSORED, "changed": changed}
        diff = self._words.value(host, task, task.keywords.diff)
        shows = self._machine.options.defaults.diff if diff is None else bool(diff)
        self._machine.say(TaskEnded(host, self._play, title, status, result, ignored, shows))


def _status(result: Result, failed: bool, changed: bool) -> str:
    if result.get("unreachable"):
        return "unreachable"
    if failed:
        return "failed"
    if result.get("skipped"):
        return "skipped"
    return "changed" if changed else "ok"
