"""Rendering that may need facts: one that is read and was not gathered yet is gathered first, by a job of
its own; then the same thing is rendered again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from msgspec.structs import replace

from hostpool.playbook.calls import BadTask, Defaults, becoming
from hostpool.playbook.model import Task
from hostpool.playbook.reaching import route
from hostpool.playbook.results import results_of
from hostpool.playbook.running import Submit
from hostpool.playbook.variables import FactsWanted, Variables
from hostpool.results import HostResult
from hostpool.tasks.modules.job import Call, ModuleTask
from hostpool.templating.template import RenderError, resolve

T = TypeVar("T")


class Gathering:
    def __init__(self, variables: Variables, defaults: Defaults) -> None:
        self._variables = variables
        self._defaults = defaults

    def rendered(self, make: Callable[[], T]) -> Generator[Submit, HostResult, T]:
        """What ``make`` returns, facts gathered as they are needed for it. Raises as ``make`` does."""
        while True:
            try:
                return make()
            except FactsWanted as wanted:
                yield from self._gather(wanted.host)

    def leniently(self, make: Callable[[], bool | str]) -> Generator[Submit, HostResult, bool | None]:
        try:
            found = yield from self.rendered(make)
        except RenderError:
            return None
        return found is True

    def _gather(self, host: str) -> Generator[Submit, HostResult, None]:
        """Raises BadTask when the facts are not to be had."""
        facts = self._variables.facts(host)
        facts.elided = False
        reply = yield self._setup(host)
        result = results_of(reply, 1)[0]
        if result.get("failed") or result.get("unreachable"):
            facts.elided = True
            raise BadTask(f"the facts of {host} could not be gathered: {result.get('msg')}")
        facts.take(result.get("ansible_facts", {}))

    def _setup(self, host: str) -> Submit:
        with self._variables.without_files():
            play = self._variables.play
            assert play is not None
            scope = self._variables.of_host(host)
            probe = Task("setup", {}, play.place, keywords=replace(play.keywords, vars=()))
            call = Call("setup", resolve(play.gather, scope), become=becoming(probe, scope, self._defaults))
            name = route(host, probe.keywords, self._variables, scope)
            return Submit(host, name, ModuleTask("Gathering Facts", (call,)))
