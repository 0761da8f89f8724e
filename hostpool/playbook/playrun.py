"""One batch of a play's hosts: in step (linear) or each for itself (free)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from hostpool.playbook.catching import Catching
from hostpool.playbook.cursor import Caught, Cursor, Key, Position, Section
from hostpool.playbook.handlers import Handlers
from hostpool.playbook.hosttask import HostTask
from hostpool.playbook.including import included
from hostpool.playbook.model import Node, Play, Task
from hostpool.playbook.outcomes import GATHER, Outcomes
from hostpool.playbook.outs import Said, TaskBegan
from hostpool.playbook.playwords import Words
from hostpool.playbook.reaching import route
from hostpool.playbook.results import Result, results_of
from hostpool.playbook.running import Ended, Running, Submit
from hostpool.playbook.tags import chosen
from hostpool.results import HostResult
from hostpool.tasks.modules.job import Connect

if TYPE_CHECKING:
    from hostpool.playbook.machine import Machine

_ONCE = ("add_host", "pause")
"""What is done for the first host, on behalf of all of them."""


class _Step(msgspec.Struct):
    """A task and those of its hosts that have not begun it yet, or are at it."""

    key: Key
    task: Task
    title: str
    waiting: deque[str] = msgspec.field(default_factory=deque)
    limit: int = 1 << 30
    once: bool = False
    others: tuple[str, ...] = ()
    failures: int = 0


class PlayRun:
    def __init__(self, machine: Machine, play: Play, hosts: Sequence[str], title: str) -> None:
        self.broken = False
        self.play_ended = False
        self.play = play
        self.title = title
        self.hosts = list(hosts)
        self._machine = machine
        self._variables = machine.variables
        self._words = Words(machine.variables, self.hosts[0])
        self._handlers = Handlers(machine, play, hosts, self._words)
        self._outcomes = Outcomes(machine, self._words, title)
        self._catching = Catching(machine, play, self._words, self._handlers)
        self._cursors: dict[str, Cursor] = {}
        self._steps: dict[str, _Step] = {}
        self._open: list[_Step] = []
        self._jobs: dict[int, tuple[str, _Step, Running]] = {}
        self._endings: dict[str, str] = {}
        self._inserts: dict[str, list[tuple[int, list[Node]]]] = {}
        self._out: set[str] = set()
        self._busy: Counter[Task] = Counter()
        self._started: set[tuple[Key, str]] = set()
        self._set_batch()
        for host in hosts:
            self._cursors[host] = Cursor(self._sections(host), frozenset({2, 4, 6}))

    @property
    def whole_batch_failed(self) -> bool:
        return len(self._out) == len(self.hosts)

    def _sections(self, host: str) -> list[Section]:
        def nodes(which: list[Node]) -> Section:
            return lambda: list(enumerate(which))

        def pending(number: int) -> Section:
            return lambda: [] if self._catching.is_behind(host, number) else self._handlers.take(host)

        choice = self._machine.options.choice
        pre, main, post = (chosen(section, choice) for section in self.play.sections)
        gather = [self._gathering()] if self._gathers() else []
        return [
            nodes(list(gather)), nodes(pre), pending(2), nodes(main), pending(4), nodes(post), pending(6),
        ]  # fmt: skip

    def _gathers(self) -> bool:
        if self.play.gather_facts is None:
            wanted = True
        else:
            wanted = self._words.play_says(self.play.gather_facts, True)
        return wanted and self._machine.options.choice.takes(self.play.keywords.tags | {"always"})

    def _gathering(self) -> Task:
        return Task(
            "gather_facts", {}, self.play.place, name=GATHER, keywords=replace(self.play.keywords, vars=())
        )

    # -- going on ----------------------------------------------------------------------------------------

    def advance(self) -> bool:
        """Begins what can begin; True when the batch is through."""
        while True:
            self._fill()
            if self._jobs:
                if self.play.strategy == "linear" or self.broken or not self._next_steps():
                    return False
                continue
            if self.broken:
                for host in list(self._cursors):
                    self._stop_host(host)
            if self._machine.stopping:
                return True
            if not self._next_steps():
                return True

    def _fill(self) -> None:
        if self._machine.stopping:
            self._steps.clear()
            self._open.clear()
            return
        for step in self._open:
            while step.waiting and self._busy[step.task] < step.limit:
                host = step.waiting.popleft()
                if self._steps.get(host) is step:
                    self._begin(step, host)
        self._open = [step for step in self._open if step.waiting]

    def _next_steps(self) -> bool:
        """The next step of all hosts, or with the free strategy of each. False: there is none."""
        places = self._places()
        if not places:
            return False
        if self.play.strategy == "linear":
            least = min(place.key for place in places.values())
            who = [host for host, place in places.items() if place.key == least]
            first = places[who[0]].task
            same = [host for host in who if places[host].task is first]
            self._new_step(least, first, same)
        else:
            for host, place in places.items():
                self._new_step(place.key, place.task, [host])
        return True

    def _places(self) -> dict[str, Position]:
        """Where every host is that has something left to do."""
        found = {}
        for host in self.hosts:
            cursor = self._cursors.get(host)
            if cursor is None or host in self._steps:
                continue
            place = self._catching.next_of(host, cursor)
            if place is None and self._is_out(host) and host not in self._out:
                self._drop(host)
                continue
            if cursor.dead and host not in self._out:
                self._is_gone(host)
                place = None if host not in self._cursors else cursor.peek()
            if place is not None:
                found[host] = place
        return found

    def _stands(self, host: str) -> None:
        """Keeps where the host is, for a later run."""
        if (cursor := self._cursors.get(host)) is None or cursor.dead:
            return
        stand = cursor.stand()
        if not stand.trail:
            return  # through with the play
        self._machine.keeping.stands(host, stand, [self._words.title(host, task) for task in stand.trail])
        self._handlers.keep(host, stand.handlers)

    def settle(self) -> None:
        """The batch is over, or cut: what its hosts still had to do is kept."""
        for host in list(self._cursors):
            if self._machine.stopping:
                self._stands(host)
        for host in self.hosts:
            self._handlers.keep_pending(host)

    def _new_step(self, key: Key, task: Task, hosts: list[str]) -> None:
        step = _Step(key, task, self._words.title(hosts[0], task), deque(hosts))
        throttle = self._words.value(hosts[0], task, task.keywords.throttle)
        if str(throttle or "").isdigit() and int(throttle):
            step.limit = int(throttle)
        once = self._words.says(hosts[0], task, task.keywords.run_once)
        step.once = self.play.strategy == "linear" and (once or task.module in _ONCE)
        if step.once:
            step.others = tuple(hosts[1:])
            step.waiting = deque(hosts[:1])
        self._open.append(step)
        for host in hosts:
            self._steps[host] = step
        if task.module != "meta" and (key, step.title) not in self._started:
            self._started.add((key, step.title))
            self._machine.say(TaskBegan(self.title, step.title))
            if once and not step.once:
                strategy = self.play.strategy
                self._machine.say(Said(f"{step.title}: run_once has no effect with the {strategy} strategy"))

    # -- one host of a step ------------------------------------------------------------------------------

    def _begin(self, step: _Step, host: str) -> None:
        task = step.task
        if task.name == GATHER and task.module == "gather_facts" and task.place is self.play.place:
            self._submit(host, step, self._elided(host, task))
            return
        run = HostTask(
            host, task, self._variables, self._machine.options.defaults, self._machine.around, step.title,
            self._machine.sparing,
        ).run()  # fmt: skip
        self._submit(host, step, run)

    def _elided(self, host: str, task: Task) -> Running:
        """Facts are gathered when somebody reads one; until then a login has to do."""
        with self._variables.without_files():
            scope = self._variables.of_task(host, task)
            name = route(host, task.keywords, self._variables, scope)
        reply = yield Submit(host, name, Connect())
        facts = self._variables.facts(host)
        facts.elided = True
        return Ended(results_of(reply, 1)[0])

    def _submit(self, host: str, step: _Step, run: Running) -> None:
        self._busy[step.task] += 1
        self._drive(host, step, run, None)

    def result(self, number: int, reply: HostResult) -> None:
        host, step, run = self._jobs.pop(number)
        self._drive(host, step, run, reply)

    def _drive(self, host: str, step: _Step, run: Running, reply: HostResult | None) -> None:
        try:
            submit = next(run) if reply is None else run.send(reply)
        except StopIteration as end:
            self._busy[step.task] -= 1
            self._ended(host, step, end.value)
            return
        if self._machine.stopping:
            self._busy[step.task] -= 1
            run.close()
            return
        number = self._machine.submit(self, submit)
        self._jobs[number] = (host, step, run)

    # -- what it came to ---------------------------------------------------------------------------------

    def _ended(self, host: str, step: _Step, ended: Ended) -> None:
        task, result = step.task, ended.result
        everybody = (host, *step.others)
        for each in everybody:
            self._outcomes.keep(each, task, ended)
        failed = bool(result.get("failed") or result.get("unreachable"))
        words = task.keywords
        keyword = words.ignore_unreachable if result.get("unreachable") else words.ignore_errors
        ignored = failed and self._words.says(host, task, keyword)
        if task.module != "meta" or failed:
            self._outcomes.report(host, task, step.title, result, ignored)
        for _ in ended.includes[1:]:
            # Each include of a loop counts as a task that went well.
            self._machine.recap.add(host, "ok")
        if ended.includes and not failed:
            failed = not self._include(host, step, ended, everybody)
        elif result.get("changed") and not failed:
            failed = not self._handlers.notify(everybody, task)
        for each in everybody:
            self._steps.pop(each, None)
            if failed and not ignored:
                self._fail(each, step, result, counted=each == host)
            else:
                cursor = self._cursors[each]
                cursor.done()
                parts = self._inserts.pop(each, None)
                if parts:
                    cursor.insert(parts)
        if task.module == "meta" and not failed and not result.get("skipped"):
            self._meta(str(result["action"]), everybody)
        if failed and not ignored:
            self._limits(step, host)

    def _fail(self, host: str, step: _Step, result: Result, *, counted: bool) -> None:
        recap, state = self._machine.recap, self._machine.state(host)
        state.why = str(result.get("msg", ""))
        state.hint = result.get("hint")
        if result.get("unreachable") or not self._cursors[host].rescuable:
            self._stands(host)
        if result.get("unreachable"):
            state.unreachable = True
            state.status = str(result.get("status") or "unreachable")
            recap.add(host, "unreachable")
            self._drop(host)
            return
        step.failures += 1
        cursor = self._cursors[host]
        if cursor.rescuable:
            recap.add(host, "rescued")
            shown = {"ansible_failed_result": result, "ansible_failed_task": {"name": step.title}}
            self._variables.set(host, shown)
        elif counted:
            recap.add(host, "failed")
        self._endings[host] = "timeout" if result.get("status") == "timeout" else "failed"
        if cursor.fail() is Caught.NOTHING:
            self._is_gone(host)

    def _is_gone(self, host: str) -> None:
        """Nothing catches the host's failure."""
        state = self._machine.state(host)
        state.failed = True
        state.status = self._endings.get(host, "failed")
        if self._forces():
            self._out.add(host)
        else:
            self._drop(host)

    def _forces(self) -> bool:
        if self._machine.options.force_handlers:
            return True
        return self._words.play_says(self.play.force_handlers)

    def _drop(self, host: str) -> None:
        self._out.add(host)
        self._cursors.pop(host, None)
        self._set_batch()

    def _set_batch(self) -> None:
        alive = [host for host in self.hosts if host not in self._out]
        failed = {host for host, state in self._machine.states.items() if state.failed or state.unreachable}
        everybody = self._variables.play_magic.get("ansible_play_hosts_all", self.hosts)
        self._variables.play_magic.update(
            ansible_play_batch=alive,
            play_hosts=alive,
            ansible_play_hosts=[host for host in everybody if host not in failed],
        )

    def _limits(self, step: _Step, host: str) -> None:
        """any_errors_fatal and max_fail_percentage: whether one more failure ends all of it."""
        fatal = self._words.says(host, step.task, step.task.keywords.any_errors_fatal)
        percentage = self._words.of_play(self.play.max_fail_percentage)
        gone = len([host for host in self.hosts if self._is_out(host)])
        too_many = percentage is not None and 100 * gone / len(self.hosts) > float(percentage)
        if (fatal and step.failures) or too_many:
            self.broken = True
            for host in list(self._cursors):
                if host not in self._steps or host in step.waiting:
                    self._stop_host(host)
            step.waiting.clear()

    def _is_out(self, host: str) -> bool:
        state = self._machine.state(host)
        return state.failed or state.unreachable

    def _stop_host(self, host: str) -> None:
        self._stands(host)
        self._steps.pop(host, None)
        self._cursors.pop(host, None)
        state = self._machine.state(host)
        if state.status is None:
            state.status = "cancelled" if state.ran else "not_run"
            state.why = "the play was stopped because other hosts failed"

    # -- handlers, includes, meta ------------------------------------------------------------------------

    def _include(self, host: str, step: _Step, ended: Ended, everybody: Sequence[str]) -> bool:
        """Loads what is included and puts it after the task. False: it cannot be loaded."""
        for number, (args, item) in enumerate(ended.includes):
            found = included(self._machine.loader, self.play, step.task, args, item)
            for problem in found.problems:
                self._machine.say(Said(f"{problem.where()}: {problem.message}", problem.hint))
            if found.problems:
                return False
            for role in found.roles:
                self._handlers.add(role)
            if found.roles:
                self._machine.keeping.brought_roles(step.task, args)
            nodes = chosen(found.nodes, self._machine.options.choice)
            for each in everybody:
                self._inserts.setdefault(each, []).append((number, nodes))
        return True

    def _meta(self, action: str, hosts: Sequence[str]) -> None:
        """``meta``; what is not here (noop, refresh_inventory, reset_connection) needs nothing."""
        for host in hosts:
            cursor = self._cursors.get(host)
            if cursor is None:
                continue
            if action == "flush_handlers":
                pending = self._handlers.take(host)
                if pending:
                    cursor.insert_numbered(pending)
            elif action == "clear_facts":
                self._variables.facts(host).known = None
            elif action == "clear_host_errors":
                self._machine.states.pop(host, None)
                self._machine.keeping.forgets(host)
            elif action == "end_host":
                cursor.end()
        if action in ("end_play", "end_batch"):
            self.play_ended = action == "end_play"
            for cursor in self._cursors.values():
                cursor.end()
