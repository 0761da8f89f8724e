"""How a module is written: a generator of requests that returns a result by Ansible's keys.

One request is one round trip: a query, and only if it finds something to do a change. Programs for
the host are POSIX sh; values reach them as arguments or over standard input, never inside the text.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.base import Effect, FileSource, Outcome, Request, Run, RunReply
from hostpool.tasks.modules.spec import Spec

Result = dict[str, Any]
Steps = Generator[Request[Any], Any, Result]


@dataclass(frozen=True, slots=True)
class Mode:
    """``check``: only foretell; ``diff``: say what differs. The driver never sends a change in check
    mode; a module looks here only for what it would otherwise not compute."""

    check: bool = False
    diff: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """``run(arguments, mode)``: the arguments are bound and complete."""

    spec: Spec
    run: Callable[[Mapping[str, Any], Mode], Steps]


class ModuleFailed(Exception):
    """Ends a module: the message becomes ``msg`` of a failed result, ``values`` further keys of it."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


def query(program: str, *args: str, stdin: bytes = b"") -> Run:
    """A request that changes nothing."""
    return Run(effect=Effect.QUERY, program=program, args=args, stdin=stdin, live=False)


def change(
    program: str,
    *args: str,
    foretells: Result,
    stdin: bytes | FileSource = b"",
    chdir: str | None = None,
    env: tuple[tuple[str, str], ...] = (),
) -> Run:
    """A request that changes the host; ``foretells`` is the result it is to have."""
    return Run(
        effect=Effect.CHANGE,
        foretells=Outcome(status="changed", result=foretells),
        program=program,
        args=args,
        stdin=stdin,
        live=False,
        chdir=chdir,
        env=env,
    )


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def require(reply: RunReply, what: str, **values: Any) -> RunReply:
    """The reply, if its program ended well. Raises ModuleFailed with its own words."""
    if reply.exit_code == 0:
        return reply
    words = text(reply.stderr).strip() or text(reply.stdout).strip()
    reason = words or (f"signal {reply.signal}" if reply.signal else f"exit status {reply.exit_code}")
    raise ModuleFailed(f"{what}: {reason}", **values)
