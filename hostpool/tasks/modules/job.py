"""What crosses to a worker: calls of modules with concrete arguments, as one task for one host."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from hostpool.errors import HostError
from hostpool.messages import Become
from hostpool.tasks import perl
from hostpool.tasks.base import Effect, Outcome, Request, Run, RunReply, Sleep
from hostpool.tasks.modules.ahead import IN_TURN, MOST, QUICK, in_turn
from hostpool.tasks.modules.base import Mode, ModuleFailed, Result, Steps, Whole
from hostpool.tasks.modules.detached import as_job, detached, new_jid
from hostpool.tasks.modules.expanding import expanded
from hostpool.tasks.modules.registry import module
from hostpool.tasks.modules.spec import BadArgument, bind

MARK = b"\x01hostpool\n"
"""What precedes a program's own output: a login may print anything before."""
_MARKER = "printf '\\001hostpool\\n'; "


class Call(msgspec.Struct, frozen=True):
    """One module with rendered arguments. ``environment`` is for everything it runs. With a ``limit``
    (seconds) its change runs detached, and is looked after every ``poll`` seconds, or not at all."""

    module: str
    args: Mapping[str, Any]
    check: bool = False
    diff: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    become: Become | None = None
    limit: int = 0
    poll: float = 0.0


class ModuleTask(msgspec.Struct, frozen=True):
    """The calls, one after the other; a failed one does not stop the others (items of a loop).

    The outcome is always ok; ``result["results"]`` holds one result by Ansible's keys for each call.
    ``pause`` seconds pass before the first, ``between`` between two; after ``task_timeout`` seconds the pool
    ends it.
    """

    name: str
    calls: tuple[Call, ...]
    pause: float = 0.0
    between: float = 0.0
    task_timeout: float | None = None

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        if self.pause:
            yield from Sleep(seconds=self.pause)
        if self._may_ask_ahead:
            first = MOST if all(call.module in QUICK for call in self.calls) else 1
            results = yield from in_turn([partial(perform, call) for call in self.calls], first)
            return Outcome(status="ok", result={"results": results})
        results = []
        for number, call in enumerate(self.calls):
            if number and self.between:
                yield from Sleep(seconds=self.between)
            results.append((yield from perform(call)))
        return Outcome(status="ok", result={"results": results})

    @property
    def _may_ask_ahead(self) -> bool:
        if len(self.calls) == 1 or self.between:
            return False
        return not any(call.limit or call.module in IN_TURN for call in self.calls)


class Connect(msgspec.Struct, frozen=True):
    """Only logs in: what a gathering of facts amounts to that nobody reads."""

    name: str = "Gathering Facts"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        yield from Run(effect=Effect.QUERY, command="true", live=False)
        return Outcome(status="ok", changed=False, result={"results": [{"changed": False}]})


def perform(call: Call) -> Steps:
    """Drives one module. In check mode it ends at the first change, with what that foretells."""
    began, clock = datetime.now(), time.monotonic()
    steps, jid = steps_of(call), ""
    if call.limit:
        jid = new_jid()
        steps = steps if call.check else detached(steps, jid, call.limit, call.poll)
    try:
        result = yield from _drive(steps, call)
        if call.limit:
            result = as_job(result, jid, call.poll)
    except ModuleFailed as failure:
        result = {"failed": True, "changed": False, "msg": failure.message, **failure.values}
    except BadArgument as error:
        result = {"failed": True, "changed": False, "msg": str(error)}
    except ValueError as error:
        # A number that is none, a line with too few fields, a URL or words that cannot be taken apart.
        what = "it cannot work with what it was given or with what the host answered"
        result = {"failed": True, "changed": False, "msg": f"{call.module}: {what}: {error}"}
    if "rc" in result and "cmd" in result and "start" not in result:
        spent = timedelta(seconds=time.monotonic() - clock)
        result.update(start=str(began), end=str(began + spent), delta=str(spent))
    result.setdefault("changed", False)
    return _sendable(result)


def steps_of(call: Call) -> Steps:
    """What the module asks for, from its beginning."""
    found = module(call.module)
    args = yield from expanded(found.spec, bind(found.spec, call.args))
    return (yield from found.run(args, Mode(call.check, call.diff)))


def _sendable(result: Result) -> Result:
    """Names of files need not be UTF-8, and what leaves a worker must be."""
    try:
        msgspec.msgpack.encode(result)
    except UnicodeEncodeError:
        cleaned: Result = _cleaned(result)
        return cleaned
    return result


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value


def _drive(steps: Steps, call: Call) -> Steps:
    try:
        request = next(steps)
        while True:
            if call.check and request.effect is Effect.CHANGE:
                steps.close()
                return dict((request.foretells.result if request.foretells else None) or {"changed": True})
            try:
                reply = yield _prepared(request, call)
            except HostError as error:
                request = steps.throw(error)
            else:
                request = steps.send(_read(request, reply, call))
    except StopIteration as end:
        result: Result = end.value
        return result


def _prepared(request: Request[Any], call: Call) -> Request[Any]:
    if not isinstance(request, Run):
        return request
    if any("\0" in text for text in (*request.args, request.chdir or "")):
        raise ModuleFailed("a NUL character, which no argument of a program can hold")
    changes: dict[str, Any] = {"env": (*call.environment, *request.env)}
    if request.program is not None:
        changes["program"] = _MARKER + request.program
        changes["perl"] = _called(request, call)
        changes["line"] = request.line and _MARKER + request.line
        changes["more"] = request.more and _MARKER + request.more
    elif not call.environment:
        changes.pop("env")
    return msgspec.structs.replace(request, become=call.become, **changes)


def _called(request: Run, call: Call) -> tuple[perl.Call, ...]:
    """With another PATH other tools would answer."""
    if any(name == "PATH" for name, _ in call.environment):
        return ()
    return tuple(msgspec.structs.replace(each, before=MARK.decode()) for each in request.perl)


def _read(request: Request[Any], reply: Any, call: Call) -> Any:
    """The reply without what came before the mark. Raises ModuleFailed without one."""
    if not isinstance(request, Run) or request.program is None or not isinstance(reply, RunReply):
        return reply
    if request.into is not None and not isinstance(request.into, Whole):
        return reply  # files, and whoever takes them looks for their beginning
    output = reply.stdout if request.into is None else bytes(request.into.data)
    before, mark, rest = output.partition(MARK)
    if not mark:
        words = (reply.stderr or before).decode("utf-8", "replace").strip()
        raise ModuleFailed(f"the host did not start /bin/sh: {words or f'exit status {reply.exit_code}'}")
    return msgspec.structs.replace(reply, stdout=rest)
