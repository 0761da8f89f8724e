"""Several queries as one program: one round trip for all of them.

Each runs in a subshell of its own, as it would alone, and what it prints ends with a mark that nobody can
know before. Equal queries are asked once. Whatever does not come back as it should (a host that says too
much, a shell that dies) is no answer: the caller asks again, one by one.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Sequence
from typing import Any, TypeGuard

import msgspec

from hostpool.errors import TaskFailed
from hostpool.tasks.base import Effect, Request, Run, RunReply
from hostpool.tasks.modules.base import Whole
from hostpool.tasks.perl import Call
from hostpool.tasks.shell import prelude, quote

_ASKED = 64 * 1024
"""Bytes, about, of one program."""
_ANSWERED = 1024 * 1024
"""Bytes that all answers together may have: they are in memory at the same time."""
_ONE = "({before}{function} {args}); printf '{mark} %s\\n' \"$?\"; printf '{mark}\\n' >&2\n"


class Answer:
    """``by``: the request that has taken the output already."""

    def __init__(self, reply: RunReply, stdout: bytes, by: Run | None = None) -> None:
        self._reply = reply
        self._stdout = stdout
        self._by = by

    def to(self, request: Run) -> RunReply:
        """As if ``request`` alone had been sent. Raises HostError, as that would."""
        if request is self._by:
            return self._reply
        kept = self._stdout
        if request.into is not None:
            request.into.feed(kept)
            kept = b""
        return msgspec.structs.replace(self._reply, stdout=kept)


def is_plain(request: Request[Any] | None) -> TypeGuard[Run]:
    """Whether a request may be asked together with others."""
    return (
        isinstance(request, Run)
        and request.effect is Effect.QUERY
        and request.program is not None
        and not (request.raw or request.tty or request.stdin or request.live)
        and (request.into is None or isinstance(request.into, Whole))
    )


def fitting(requests: Sequence[Run]) -> list[Run]:
    """As many from the beginning as one program takes, at least one: all become the same user."""
    found: list[Run] = []
    seen: set[object] = set()
    size = 0
    for request in requests:
        if request.become != requests[0].become:
            break
        key = _key(request)
        if key not in seen:
            size += sum(map(len, request.args)) + sum(len(name) + len(value) for name, value in request.env)
            size += 0 if request.program in seen else len(request.program or "")
            seen |= {key, request.program}
        if found and size > _ASKED:
            break
        found.append(request)
    return found


def asked(requests: Sequence[Run]) -> Generator[Request[Any], Any, list[Answer]]:
    """The answers to the first of the requests, to as many as gave a good one. What is thrown in comes out
    again: then there is no answer at all."""
    numbers: dict[object, int] = {}
    which = [numbers.setdefault(_key(request), len(numbers)) for request in requests]
    if len(numbers) == 1:
        only = requests[0]
        reply = yield only
        output = bytes(only.into.data) if isinstance(only.into, Whole) else reply.stdout
        return [Answer(reply, output, only if number == 0 else None) for number in range(len(requests))]
    distinct = [requests[which.index(number)] for number in range(len(numbers))]
    token = secrets.token_hex(8)
    output = _Output()
    try:
        program = _program(distinct, token)
        reply = yield Run(
            effect=Effect.QUERY,
            program=program,
            perl=_calls(distinct, token),
            become=requests[0].become,
            live=False,
            into=output,
        )
    except (ValueError, _TooMuch):  # a name that no variable can have: its own request says so
        return []
    answers = _answers(bytes(output.data), reply.stderr, token, len(distinct))
    return [answers[number] for number in which[: _good(which, len(answers))]]


def _good(which: Sequence[int], answers: int) -> int:
    return next((place for place, number in enumerate(which) if number >= answers), len(which))


def _key(request: Run) -> object:
    return request.program, request.args, request.env, request.chdir


def _program(requests: Sequence[Run], token: str) -> str:
    functions: dict[str, str] = {}
    lines = []
    for number, request in enumerate(requests):
        assert request.program is not None
        function = functions.setdefault(request.program, f"hostpool_{len(functions)}")
        lines.append(
            _ONE.format(
                before=prelude(request.env, request.chdir),
                function=function,
                args=" ".join(map(quote, request.args)),
                mark=f"{token}.{number}",
            )
        )
    bodies = [f"{name}() {{\n{program}\n}}\n" for program, name in functions.items()]
    return "".join(bodies + lines)


def _calls(requests: Sequence[Run], token: str) -> tuple[Call, ...]:
    """None where one of them has no such form."""
    if not all(request.perl for request in requests):
        return ()
    calls = (request.perl[0] for request in requests)
    return tuple(msgspec.structs.replace(call, mark=f"{token}.{number}") for number, call in enumerate(calls))


def _answers(stdout: bytes, stderr: bytes, token: str, count: int) -> list[Answer]:
    found: list[Answer] = []
    said = bool(stderr)  # perl says nothing there, a shell at least its marks
    for number in range(count):
        mark = f"{token}.{number}".encode()
        output, first, stdout = stdout.partition(mark + b" ")
        status, newline, stdout = stdout.partition(b"\n")
        words, second, stderr = stderr.partition(mark + b"\n") if said else (b"", True, b"")
        if not (first and newline and second and status.isdigit() and len(status) < 4):
            break
        reply = RunReply(
            exit_code=int(status), stderr=words, stdout_bytes=len(output), stderr_bytes=len(words)
        )
        found.append(Answer(reply, output))
    return found


class _TooMuch(TaskFailed):
    """More than is kept of several answers."""


class _Output:
    """An intake with all output, up to where there is too much of it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed(self, data: bytes, /) -> None:
        self.data += data
        if len(self.data) > _ANSWERED:
            raise _TooMuch("several answers together are too long", kind="too_much")
