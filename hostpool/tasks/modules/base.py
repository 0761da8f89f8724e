"""How a module is written: a generator of requests that returns a result by Ansible's keys.

One request is one round trip: a query, and only if it finds something to do a change. Programs for
the host are POSIX sh; values reach them as arguments or over standard input, never inside the text.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import msgspec

from hostpool.sync.listing import hostile
from hostpool.tasks.base import Effect, FileSource, Outcome, Request, Run, RunReply
from hostpool.tasks.modules.spec import Spec
from hostpool.tasks.perl import Call, Sub

Result = dict[str, Any]
Steps = Generator[Request[Any], Any, Result]


class Mode(msgspec.Struct, frozen=True):
    """``check``: only foretell; ``diff``: say what differs. The driver never sends a change in check
    mode; a module looks here only for what it would otherwise not compute."""

    check: bool = False
    diff: bool = False


class Module(msgspec.Struct, frozen=True):
    """``run(arguments, mode)``: the arguments are bound and complete."""

    spec: Spec
    run: Callable[[Mapping[str, Any], Mode], Steps]


class ModuleFailed(Exception):
    """Ends a module: the message becomes ``msg`` of a failed result, ``values`` further keys of it."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


class Whole:
    """All of a program's output, where more than what is kept of any output is needed: at most ``most``
    bytes, which the program itself has to keep to (a host that sends more is none of good will)."""

    def __init__(self, most: int) -> None:
        self.data = bytearray()
        self._most = most + _NOISE

    def feed(self, data: bytes, /) -> None:
        self.data += data
        if len(self.data) > self._most:
            raise hostile("it sends more than it was asked for")


_NOISE = 1 << 20
"""Bytes for what a login prints, and for what a program says beside a content."""


def query(
    program: str, *args: str, stdin: bytes | FileSource = b"", most: int = 0, perl: Sub | None = None
) -> Run:
    """A request that changes nothing. ``most``: the bytes of a content in its output, if there is one
    that must come whole (else about 1 MiB of any output is kept, its beginning and its end). ``perl`` says
    of the same arguments what the program says."""
    return Run(
        effect=Effect.QUERY,
        program=program,
        args=args,
        stdin=stdin,
        live=False,
        into=Whole(most) if most else None,
        perl=() if perl is None else (Call(perl, args),),
    )


def change(
    program: str,
    *args: str,
    foretells: Result,
    stdin: bytes | FileSource = b"",
    chdir: str | None = None,
    env: tuple[tuple[str, str], ...] = (),
    line: str = "",
) -> Run:
    """A request that changes the host; ``foretells`` is the result it is to have. ``line``: as Run has it."""
    return Run(
        effect=Effect.CHANGE,
        foretells=Outcome(status="changed", result=foretells),
        program=program,
        args=args,
        stdin=stdin,
        live=False,
        chdir=chdir,
        env=env,
        line=line,
    )


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def sections(output: bytes | str) -> list[tuple[str, str]]:
    """What stands below each line that begins with \\x01, by the rest of that line; what comes before the
    first of them is left out."""
    told = text(output) if isinstance(output, bytes) else output
    parts = (part.partition("\n") for part in told.split("\x01")[1:])
    return [(head, body) for head, _, body in parts]


def require(reply: RunReply, what: str, **values: Any) -> RunReply:
    """The reply, if its program ended well. Raises ModuleFailed with its own words."""
    if reply.exit_code == 0:
        return reply
    words = text(reply.stderr).strip() or text(reply.stdout).strip()
    reason = words or (f"signal {reply.signal}" if reply.signal else f"exit status {reply.exit_code}")
    raise ModuleFailed(f"{what}: {reason}", **values)
