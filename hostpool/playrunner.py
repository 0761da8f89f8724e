"""The use case of ``play``: a machine's jobs to the pool, results back to it, events to the sinks."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import Any

import msgspec
from msgspec.structs import replace

from hostpool.errors import ErrorInfo
from hostpool.events import (
    Event,
    HostConnected,
    HostEvent,
    HostRetry,
    HostStarted,
    PauseStarted,
    PlayStarted,
    Progress,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.exit_codes import exit_code
from hostpool.playbook.machine import Machine
from hostpool.playbook.outs import HostState, Job, Out, PlayBegan, Said, TaskBegan, TaskEnded
from hostpool.playbook.results import diff_text
from hostpool.playbook.running import Ask
from hostpool.pool import HostPool
from hostpool.results import HostResult, Status, counts_of
from hostpool.runner import RunReport, Sink, Sinks
from hostpool.tasks.modules.job import Connect, ModuleTask

_TICK = 0.2
_BEGINNINGS = (HostStarted, HostConnected)
_OF_THE_RUN = (HostStarted, HostConnected, HostRetry, Progress)
Asking = Callable[[str, bool, Callable[[], bool]], str | None]
"""Prompt, whether what is typed is shown, whether to give up → what was typed; None: nobody did."""
_NUMBERS = (bool, int, float)
_PLAIN = frozenset({str, type(None), *_NUMBERS})
_LISTS = (list, tuple, set, frozenset)
_LOOK = "look at the host before running it again"


class PlayRunner:
    """One run of playbooks. ``run`` blocks in the caller's thread; the ``stop_…`` methods may be called
    from any other thread (not from a signal handler)."""

    def __init__(
        self,
        pool: HostPool,
        sinks: Sequence[Sink],
        machine: Machine,
        *,
        ask: Asking | None = None,
        deadline: float | None = None,
        kill_grace: float = 5.0,
        changed_exit_code: bool = False,
        all_output: bool = False,
        argv: Sequence[str] = (),
        run_id: str | None = None,
        keep: Callable[[Machine], None] = lambda machine: None,
    ) -> None:
        self.run_id = os.urandom(3).hex() if run_id is None else run_id
        self._pool = pool
        self._machine = machine
        self._events = pool.events(all_output=all_output, wanted=self._wants)
        self._sinks = Sinks(sinks)
        self._keep = keep
        self._ask = ask
        self._answers: SimpleQueue[tuple[int, str, str | None]] = SimpleQueue()
        self._deadline = deadline
        self._grace = kill_grace
        self._changed_code = changed_exit_code
        self._argv = tuple(argv)
        self._waiting: dict[str, deque[int]] = {}
        self._seen: set[tuple[type[Any], str]] = set()
        self._hosts: dict[str, None] = {}
        self._interrupted: str | None = None
        self._stop_asked = False
        self._past_deadline = False
        self._ends: float | None = None

    def run(self, hosts: Sequence[str], name: str) -> RunReport:
        """``hosts``: those the plays select as far as that is known before they run. Closes the sinks."""
        began = time.monotonic()
        self._ends = None if self._deadline is None else began + self._deadline
        self._hosts = dict.fromkeys(hosts)
        self._sinks.tell(
            RunStarted(ts=time.time(), run=self.run_id, hosts=tuple(hosts), task=name, argv=self._argv)
        )
        try:
            self._machine.start()
            self._carry_out()
            while not self._machine.done:
                self._take()
            report = self._report(time.monotonic() - began)
        finally:
            self._events.close()
            self._sinks.close()
        return replace(report, broken_sinks=tuple(self._sinks.broken))

    def stop_gently(self, why: str = "SIGINT") -> int:
        """Starts no more tasks; what runs goes on to its end. Returns how many hosts still run."""
        self._interrupted = self._interrupted or why
        self._stop_asked = True
        self._pool.cancel_waiting(f"stopped by {why} before it started")
        return sum(1 for waiting in list(self._waiting.values()) if waiting)

    def stop_hard(self, why: str = "SIGINT") -> None:
        """TERM on the hosts, KILL after the grace; every host is still reported."""
        self.stop_gently(why)
        self._pool.stop(self._grace, "cancelled")

    def leave(self, why: str = "SIGINT") -> None:
        """Ends the workers now: what ran is lost."""
        self.stop_gently(why)
        self._pool.abandon()

    # -- the loop ----------------------------------------------------------------------------------------

    def _take(self) -> None:
        for event in self._events.take(_TICK):
            self._handle(event)
        if self._ends is not None and time.monotonic() >= self._ends:
            self._ends = None
            self._past_deadline = self._stop_asked = True
            self._pool.cancel_waiting("the run's deadline came before it started")
            self._pool.stop(self._grace, "deadline")
        if self._stop_asked and not self._machine.stopping:
            self._machine.stop()
        if self._events.closed:
            self._settle_the_rest()
        while not self._answers.empty():
            number, host, answer = self._answers.get()
            self._machine.result(number, _answered(host, answer))
        self._carry_out()

    def _handle(self, event: HostEvent) -> None:
        if isinstance(event, HostResult):
            waiting = self._waiting.get(event.host)
            if waiting:
                # Jobs of one name run one after another, so the oldest is the one that ended.
                self._machine.result(waiting.popleft(), event)
            return
        name = event.host
        host = self._machine.world.of_route(name) if name is not None else None
        # A host that only gets tasks of others (delegate_to) is none of the run's.
        if isinstance(event, _OF_THE_RUN) and host not in self._hosts:
            return
        if isinstance(event, _BEGINNINGS):
            key = (type(event), str(host))
            if key in self._seen:
                return
            self._seen.add(key)
        self._sinks.tell(event if host == name else msgspec.structs.replace(event, host=host))

    def _wants(self, event: HostEvent) -> bool:
        """On threads of the pool. A host begins with each of its tasks, which is told once."""
        if not isinstance(event, _BEGINNINGS):
            return True
        return (type(event), self._machine.world.of_route(event.host)) not in self._seen

    def _settle_the_rest(self) -> None:
        """The pool is gone (left at once): what still ran there is lost."""
        for event in self._events.take(0.0):
            self._handle(event)
        for name, waiting in self._waiting.items():
            while waiting:
                self._machine.result(
                    waiting.popleft(),
                    HostResult(
                        ts=time.time(),
                        host=name,
                        status="lost",
                        error=ErrorInfo(
                            "lost",
                            "the run was left while a task ran",
                            "look at the host before running it again",
                        ),
                    ),
                )
        self._machine.stop()

    def _carry_out(self) -> None:
        for out in self._machine.take():
            if not isinstance(out, Job):
                self._sinks.tell(self._event(out))
                continue
            task = out.submit.task
            if isinstance(task, Ask):
                self._ask_for(out.number, out.submit.host, task)
            else:
                self._tell_of_pauses(out.submit.host, task)
                self._waiting.setdefault(out.submit.name, deque()).append(out.number)
                self._pool.apply_async(out.submit.name, task)

    def _tell_of_pauses(self, host: str, task: ModuleTask | Connect) -> None:
        for call in task.calls if isinstance(task, ModuleTask) else ():
            if call.module == "pause":
                self._sinks.tell(PauseStarted(ts=time.time(), host=host, **call.args))

    def _ask_for(self, number: int, host: str, question: Ask) -> None:
        """The person's answer comes to ``_take``; meanwhile signals and the deadline are heard."""
        ask = self._ask

        def wait() -> None:
            answer = None if ask is None else ask(question.prompt, question.echo, lambda: self._stop_asked)
            self._answers.put((number, host, answer))

        threading.Thread(target=wait, name="hostpool-pause", daemon=True).start()

    def _event(self, out: Out) -> Event:
        now = time.time()
        if isinstance(out, PlayBegan):
            self._hosts.update(dict.fromkeys(out.hosts))
            return PlayStarted(ts=now, play=out.play, hosts=out.hosts)
        if isinstance(out, TaskBegan):
            return TaskStarted(ts=now, play=out.play, task=out.task)
        if isinstance(out, TaskEnded):
            return task_finished(out, now)
        assert isinstance(out, Said)
        return Warning(ts=now, message=out.message, hint=out.hint)

    # -- the end -----------------------------------------------------------------------------------------

    def _report(self, duration: float) -> RunReport:
        machine = self._machine
        results = {host: self._result(host, machine.states.get(host), duration) for host in self._hosts}
        for result in results.values():
            self._sinks.tell(result)
        counts = counts_of(list(results.values()))
        early = machine.stopped_early or self._past_deadline
        if any(not result.ok for result in results.values()):
            self._keep(machine)
        code = exit_code(
            counts,
            interrupted=self._interrupted,
            stopped_early=early,
            changed_exit_code=self._changed_code,
        )
        self._sinks.tell(
            RunFinished(
                ts=time.time(), run=self.run_id, counts=counts, duration=duration, exit_code=code,
                interrupted=self._interrupted, stats=plain(machine.stats) if machine.stats else msgspec.UNSET,
            )
        )  # fmt: skip
        return RunReport(
            run=self.run_id, results=results, counts=counts, duration=duration, exit_code=code,
            stopped_early=early, interrupted=self._interrupted,
        )  # fmt: skip

    def _result(self, host: str, state: HostState | None, duration: float) -> HostResult:
        status, error = _verdict(state)
        if state is None and (self._machine.stopped_early or self._past_deadline):
            status, error = "not_run", ErrorInfo("not_run", "the run ended before this host's turn")
        if self._interrupted is not None and status in ("ok", "changed", "skipped") and self._stop_asked:
            status, error = ("cancelled" if state is not None and state.ran else "not_run"), None
        return HostResult(
            ts=time.time(),
            host=host,
            status=status,
            changed=state.changed if state is not None else False,
            duration=duration,
            attempts=1,
            result={"recap": self._machine.recap.of(host)},
            error=error,
        )


def _answered(host: str, answer: str | None) -> HostResult:
    """What a pause came to; None: nobody answered."""
    result: dict[str, Any] = {"changed": False, "rc": 0, "stderr": "", "stdout": "", "echo": True}
    if answer is None:
        result.update(failed=True, rc=1, msg="nobody at a terminal ended the pause")
    else:
        result["user_input"] = answer
    return HostResult(ts=time.time(), host=host, status="ok", result={"results": [result]})


def _verdict(state: HostState | None) -> tuple[Status, ErrorInfo | None]:
    if state is None or (state.status is None and not state.ran):
        return "ok" if state is not None else "skipped", None
    if state.status is None:
        return ("changed" if state.changed else "ok"), None
    kind: Status = state.status  # type: ignore[assignment]  # set to statuses only
    return kind, ErrorInfo(kind, state.why or kind, state.hint)


def task_finished(out: TaskEnded, now: float) -> TaskFinished:
    """The event of one task of one host, its result as data that JSON can carry."""
    result = {key: plain(value) for key, value in out.result.items() if not key.startswith("_")}
    result["msg"] = _message(out.result)
    if not result["msg"]:
        del result["msg"]
    if out.ignored:
        result["ignored"] = True
    status: Status = out.status  # type: ignore[assignment]  # TaskEnded names only statuses
    return TaskFinished(
        ts=now,
        host=out.host,
        play=out.play,
        task=out.task,
        status=status,
        changed=bool(out.result.get("changed")),
        diff=diff_text(out.result) if out.diff else None,
        result=result,
    )


def _message(result: Mapping[str, Any]) -> Any:
    """What a person is told: a loop tells what its items have to say."""
    shown = result.get("_shown")
    if shown is not None:
        return plain(shown)
    items = result.get("results")
    if not isinstance(items, list) or "_ansible_item_label" not in (items[0] if items else {}):
        return plain(result.get("msg"))
    failed = [each for each in items if each.get("failed") or each.get("unreachable")]
    lines = []
    for each in failed or items:
        said = each.get("_shown", each.get("msg"))
        if said and not each.get("skipped"):
            lines.append(f"({_word(each['_ansible_item_label'])}) {_word(said)}")
    return "\n".join(lines)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(plain(value)).decode()


def plain(value: Any) -> Any:
    """``value`` as JSON can carry it; what is none of its kinds becomes text."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {
            key if type(key) is str else str(key): item if type(item) in _PLAIN else plain(item)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return str(value)
    if isinstance(value, _NUMBERS):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return repr(value)
