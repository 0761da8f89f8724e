"""What a task is: a generator of requests over replies, without any I/O of its own.

The driver in a worker runs it: it sends each request over the host's session and hands the reply
back in. Under ``--check`` it closes the generator at the first request that would change the host
and reports the outcome that request foretells.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.messages import Become
from hostpool.results import Status
from hostpool.tasks.perl import Call

T = TypeVar("T")


class Effect(Enum):
    QUERY = "query"
    CHANGE = "change"


class Outcome(msgspec.Struct, frozen=True):
    """How a task ended on one host, as the task sees it. ``reply`` is the command's to be shown."""

    status: Status
    changed: bool | None = None
    reply: RunReply | None = None
    would_run: bool = False
    result: dict[str, Any] | None = None
    error: ErrorInfo | None = None


class RunReply(msgspec.Struct, frozen=True):
    """A command ended by itself. ``exit_code`` is None when a signal (its name, without SIG) ended
    it. The texts are what was kept of the output, the counts all that came (bytes)."""

    exit_code: int | None
    signal: str | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    stdout_truncated: bool = False
    stderr_truncated: bool = False


class Request(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """``reply = yield from SomeRequest(…)`` is typed by the request."""

    effect: Effect
    foretells: Outcome | None = None

    def __iter__(self) -> Generator[Request[Any], Any, T]:
        reply: T = yield self
        return reply


class Reading(Protocol):
    """What a source is read through: ``read`` gives at most ``size`` bytes, none at the end."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class FileSource:
    """Standard input read from a local file, piece by piece, anew for every host."""

    path: str

    def open(self) -> Reading:
        """Raises OSError."""
        return open(self.path, "rb")


class Intake(Protocol):
    """Takes standard output in the place of what keeps it. Raises errors.TaskFailed to end it."""

    def feed(self, data: bytes, /) -> None: ...


class Run(Request[RunReply], frozen=True, kw_only=True):
    """Run ``command`` in the login shell of the session's user (the words, as a shell reads them).

    ``env`` and ``chdir`` need a POSIX ``/bin/sh`` on the host and are refused with ``raw``, which
    sends the exact bytes of ``command`` and nothing else (no become, no wrapper). ``program``
    instead of ``command``: a POSIX sh program of any length, run by ``/bin/sh`` whatever the login
    shell is; ``stdin`` is what it reads. ``live`` output goes to the views as it comes; ``into`` takes
    all of stdout in their place, and the reply then has none of it. ``become``: as another user, for
    this request only, in the place of the session's own. ``more``: the program of the change that follows
    from a query's answer, as a rule: the session may let its shell wait for that. ``perl``: calls that say
    what a query's program says, for a host whose perl stays; ``env`` and ``chdir`` are not for them.
    ``line``: a command line that does what ``program`` does whatever the login shell is
    (tasks.shell.any_shell): no program is sent after it, and one shell less starts.
    """

    command: str = ""
    program: str | None = None
    args: tuple[str, ...] = ()
    stdin: bytes | FileSource = b""
    env: tuple[tuple[str, str], ...] = ()
    chdir: str | None = None
    tty: bool = False
    raw: bool = False
    live: bool = True
    become: Become | None = None
    more: str = ""
    into: Intake | None = None
    perl: tuple[Call, ...] = ()
    line: str = ""

    def instead(self, program: str, args: tuple[str, ...]) -> Run:
        """The request with another program: what else stood for the first one does not stand for it."""
        return msgspec.structs.replace(self, program=program, args=args, perl=(), line="")


class Sleep(Request[None], frozen=True, kw_only=True):
    """Wait; the job can be stopped meanwhile."""

    seconds: float
    effect: Effect = Effect.QUERY


class Moment(Request[float], frozen=True, kw_only=True):
    """Seconds on a clock that only goes forward, for a task that waits within limits of its own."""

    effect: Effect = Effect.QUERY


class Reconnect(Request[None], frozen=True, kw_only=True):
    """Leave the session and log in anew, again and again for ``within`` seconds: the host may be away.

    Raises errors.Unreachable, the last attempt's. A password that was refused three times is not
    tried again; nothing else ends it early.
    """

    within: float
    effect: Effect = Effect.QUERY


class Note(Request[None], frozen=True, kw_only=True):
    """A warning for the person who watches."""

    message: str
    hint: str | None = None
    effect: Effect = Effect.QUERY


@runtime_checkable
class Task(Protocol):
    """Frozen and picklable: it crosses to the workers once. A task may also have ``task_timeout``,
    seconds that count in the place of the settings'."""

    @property
    def name(self) -> str: ...

    def steps(self) -> Generator[Request[Any], Any, Outcome]: ...
