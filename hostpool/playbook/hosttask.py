"""One task on one host, as a generator: jobs out, their results in, at the end what it came to.

Everything that is rendered is rendered here, in the parent.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import msgspec

from hostpool.playbook.actions import Effects, Surroundings, act
from hostpool.playbook.calls import BadTask, Defaults, arguments, build, message_of, yes
from hostpool.playbook.gathering import Gathering
from hostpool.playbook.loops import item_variables, items_of, label_of
from hostpool.playbook.model import Loop, Task
from hostpool.playbook.reaching import route
from hostpool.playbook.results import Result, judged, results_of, skipped, together
from hostpool.playbook.running import Ask, Ended, Running, Submit
from hostpool.playbook.sparing import Sparing
from hostpool.playbook.variables import Variables
from hostpool.results import HostResult
from hostpool.tasks.modules.job import Call, ModuleTask
from hostpool.tasks.modules.parent import PARENT
from hostpool.templating.scope import Scope
from hostpool.templating.template import MADE, RenderError, resolve, truth

T = TypeVar("T")
_GRACE = 30
"""Seconds for what is left to do when the time of a job is over."""


class _Item(msgspec.Struct):
    """One item's way: its variables, and in the end its result."""

    variables: dict[str, Any]
    label: Any = None
    call: Call | None = None
    ask: Ask | None = None
    name: str = ""
    result: Result | None = None
    effects: Effects | None = None


class HostTask:
    def __init__(
        self,
        host: str,
        task: Task,
        variables: Variables,
        defaults: Defaults,
        around: Surroundings,
        title: str,
        sparing: Sparing,
    ) -> None:
        self.host = host
        self.task = task
        self._variables = variables
        self._defaults = defaults
        self._around = around
        self._title = title
        self._sparing = sparing
        self._gathering = Gathering(variables, defaults)
        self._includes: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def run(self) -> Running:
        """Never raises for what a playbook or a host does wrong: that is in the result."""
        try:
            ended = yield from self._run()
        except (RenderError, BadTask) as error:
            ended = Ended({"failed": True, "changed": False, "msg": message_of(error)})
        return ended

    def _run(self) -> Running:
        task = self.task
        if task.loop is None:
            item = _Item({})
            yield from self._one(item)
            assert item.result is not None
            effects = [item.effects] if item.effects is not None else []
            return Ended(item.result, effects, self._includes)
        items = yield from self._items()
        if items is None:
            return Ended(skipped(task.keywords.when[-1].text if task.keywords.when else ""))
        if not items:
            return Ended(
                {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}
            )
        yield from self._all(items)
        results = [item.result for item in items if item.result is not None]
        whole = together(results)
        return Ended(
            whole, [item.effects for item in items if item.effects is not None], self._includes, True
        )

    # -- loops -------------------------------------------------------------------------------------------

    def _items(self) -> Generator[Submit, HostResult, list[_Item] | None]:
        """None: the loop cannot be rendered, but the condition says that it need not be."""
        loop = self.task.loop
        assert loop is not None
        scope = self._scope({})
        try:
            values = yield from self._gathering.rendered(lambda: items_of(loop, scope))
        except (RenderError, BadTask):
            when = yield from self._gathering.leniently(lambda: self._condition(scope))
            if when is False:
                return None
            raise
        return [_Item(item_variables(loop, values, number, scope)) for number in range(len(values))]

    def _all(self, items: list[_Item]) -> Generator[Submit, HostResult, None]:
        """Where each item is one job of the same host they go as one; else one after the other."""
        loop = self.task.loop
        assert loop is not None
        alone = self.task.until or loop.break_when or self.task.module in PARENT
        pause = float(self._value(loop.pause, {}) or 0)
        if alone:
            for number, item in enumerate(items):
                yield from self._one(item, pause if number else 0.0)
                self._decorate(item)
                if loop.break_when and (yield from self._broken(loop, item)):
                    del items[number + 1 :]
                if item.effects is not None and item.effects.facts:
                    # The next item may build on what this one set.
                    self._variables.set(self.host, item.effects.facts)
            return
        for item in items:
            yield from self._prepare(item)
        waiting = [item for item in items if item.result is None]
        while waiting:
            name = waiting[0].name
            group = [item for item in waiting if item.name == name]
            waiting = [item for item in waiting if item.name != name]
            calls = tuple(item.call for item in group if item.call is not None)
            reply = yield Submit(
                self.host,
                name,
                ModuleTask(self._title, calls, between=pause, task_timeout=self._timeout(*calls)),
            )
            for item, result in zip(group, results_of(reply, len(group)), strict=True):
                if item.call is not None:
                    self._variables.jobs.take(result, item.call)
                item.result = yield from self._judged(result, item)
        for item in items:
            self._decorate(item)

    def _broken(self, loop: Loop, item: _Item) -> Generator[Submit, HostResult, bool]:
        """Whether ``break_when`` ends the loop after this item."""
        scope = self._scope(item.variables)
        if self.task.register and item.result is not None:
            scope = scope.below({self.task.register: item.result})
        return (
            yield from self._gathering.rendered(
                lambda: all(truth(e.render(scope), e) for e in loop.break_when)
            )
        )

    def _decorate(self, item: _Item) -> None:
        loop = self.task.loop
        assert loop is not None
        assert item.result is not None
        name = item.variables["ansible_loop_var"]
        item.result[name] = item.variables[name]
        item.result["ansible_loop_var"] = name
        if loop.index_var:
            item.result[loop.index_var] = item.variables[loop.index_var]
            item.result["ansible_index_var"] = loop.index_var
        label = item.variables[name]
        if loop.label is not None:
            try:
                label = label_of(loop, item.variables, self._scope(item.variables))
            except RenderError:
                pass
        item.result["_ansible_item_label"] = label

    # -- one item ----------------------------------------------------------------------------------------

    def _one(self, item: _Item, pause: float = 0.0) -> Generator[Submit, HostResult, None]:
        """``pause``: seconds that its first job waits."""
        yield from self._prepare(item)
        if item.ask is not None and item.result is None:
            reply = yield Submit(self.host, item.name, item.ask)
            item.result = yield from self._judged(results_of(reply, 1)[0], item)
        if item.result is not None or item.call is None:
            return
        retries, delay = yield from self._gathering.rendered(lambda: self._patience(item))
        attempt = 1
        while True:
            job = ModuleTask(self._title, (item.call,), pause=pause, task_timeout=self._timeout(item.call))
            reply = yield Submit(self.host, item.name, job)
            result = results_of(reply, 1)[0]
            self._variables.jobs.take(result, item.call)
            result = yield from self._judged(result, item)
            item.result = result
            if not self.task.until and not retries:
                return
            result["attempts"] = attempt
            if result.get("unreachable"):
                return
            done = yield from self._gathering.rendered(lambda r=result: self._until(r, item))  # type: ignore[misc]  # mypy does not type lambda defaults
            if done:
                return
            if attempt > retries:
                result["failed"] = True
                result.setdefault("msg", "")
                result["retries"] = retries + 1
                return
            attempt += 1
            pause = delay

    def _timeout(self, *calls: Call) -> float | None:
        """The task's ``timeout``, in seconds; 0 is none. What waits for jobs ends with them."""
        jobs = sum([call.limit + _GRACE for call in calls if call.limit and call.poll])
        value = self._value(self.task.keywords.timeout, {})
        try:
            return float(value) or None if value is not None else jobs or None
        except (TypeError, ValueError):
            raise BadTask(f"timeout is a number of seconds, not {value!r}") from None

    def _patience(self, item: _Item) -> tuple[int, float]:
        """How many further attempts, and the seconds between them."""
        retries = self._value(self.task.retries, item.variables)
        if retries is None:
            retries = 3 if self.task.until else 0
        delay = self._value(self.task.delay, item.variables)
        try:
            return max(0, int(retries)), max(0.0, float(delay if delay is not None else 5))
        except (TypeError, ValueError):
            raise BadTask(f"retries and delay are numbers, not {retries!r} and {delay!r}") from None

    def _until(self, result: Result, item: _Item) -> bool:
        if not self.task.until:
            return not result.get("failed")
        scope = self._scope(item.variables)
        if self.task.register:
            scope = scope.below({self.task.register: result})
        return all(truth(each.render(scope), each) for each in self.task.until)

    def _prepare(self, item: _Item) -> Generator[Submit, HostResult, None]:
        """The result, where no host is needed for it; else the call."""
        try:
            yield from self._gathering.rendered(lambda: self._prepared(item))
        except (RenderError, BadTask) as error:
            if self.task.loop is None:
                raise
            item.result = {"failed": True, "changed": False, "msg": message_of(error)}
        if item.result is not None and item.call is None and not item.result.get("skipped"):
            item.result = yield from self._judged(item.result, item)

    def _prepared(self, item: _Item) -> None:
        scope = self._scope(item.variables)
        item.result = item.call = item.effects = item.ask = None
        condition = self._condition(scope)
        if condition is not True:
            item.result = skipped(condition if isinstance(condition, str) else self._text())
            return
        module = self.task.module
        if module in ("include_tasks", "include_role"):
            self._includes.append((arguments(self.task, scope), item.variables))
            item.result = {"changed": False, "include": True}
            return
        if module == "meta":
            item.result = {"changed": False, "action": arguments(self.task, scope).get("action", "noop")}
            return
        if module == "pause":
            item.name = self.host
            self._pause(item, scope)
            return
        if module in PARENT:
            item.result, item.effects = act(self.task, scope, self._around)
            return
        item.call = self._sparing.spared(self.task, build(self.task, scope, self._defaults))
        if module == "async_status":
            item.call = self._variables.jobs.asking(item.call)
        item.name = route(self.host, self.task.keywords, self._variables, scope)

    def _pause(self, item: _Item, scope: Scope) -> None:
        args = arguments(self.task, scope)
        if {"seconds", "minutes"} & set(args):
            seconds = float(args.get("seconds") or 0) + 60 * float(args.get("minutes") or 0)
            hidden = yes(self.task.keywords.no_log, scope)
            prompt = "" if hidden else str(args.get("prompt") or "")
            item.call = Call("pause", {"seconds": max(seconds, 0.0), "prompt": prompt})
        else:
            prompt = args.get("prompt") or "Press enter to continue, Ctrl-C to stop"
            item.ask = Ask(str(prompt), yes(args.get("echo"), scope, True))

    def _condition(self, scope: Scope) -> bool | str:
        """True, or the text of the condition that does not hold."""
        for each in self.task.keywords.when:
            if not truth(each.render(scope), each):
                return each.text
        return True

    def _text(self) -> str:
        return " and ".join(each.text for each in self.task.keywords.when)

    def _judged(self, result: Result, item: _Item) -> Generator[Submit, HostResult, Result]:
        task = self.task
        facts = result.get("ansible_facts")
        if isinstance(facts, dict) and task.module not in PARENT:
            effects = item.effects = item.effects or Effects()
            effects.cached.update(facts)
        if task.changed_when is None and task.failed_when is None:
            return result
        try:
            found: Result = yield from self._gathering.rendered(
                lambda: judged(
                    result, task.register, task.changed_when, task.failed_when, self._scope(item.variables)
                )
            )
        except RenderError as error:
            result.update(failed=True, msg=message_of(error))
            return result
        return found

    def _value(self, value: Any, more: dict[str, Any]) -> Any:
        """What a keyword says; most say nothing, or what needs no variables. Raises RenderError."""
        return resolve(value, self._scope(more)) if isinstance(value, MADE) else value

    def _scope(self, more: dict[str, Any]) -> Scope:
        return self._variables.of_task(self.host, self.task, more or None)
