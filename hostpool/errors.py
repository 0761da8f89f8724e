"""All errors of hostpool, in one tree.

::

    HostpoolError                what went wrong, where, and what to do next
    ├── UsageError               exit 2: refused before the first host was touched
    │   ├── ConfigError          a setting, a flag, an environment variable
    │   ├── InventoryError       an inventory source
    │   ├── PatternError         a host pattern
    │   ├── SSHConfigError       an ssh_config file
    │   └── PlaybookError        a playbook, role or variables file
    ├── Problems                 exit 2: several UsageErrors, all of them listed at once
    ├── LockHeld                 exit 75: another run holds the lock
    ├── PoolError                the pool was misused or broke
    │   ├── PoolClosedError      (also ValueError) a job after close, join before close
    │   └── PoolBrokenError      workers die before they are ready
    ├── TimeoutError             (also builtins.TimeoutError) a result is not there in time
    └── HostError                what befell one host: never raised at a caller, ends in its result
        ├── Unreachable          no session came about: nothing was sent
        ├── Lost                 something was sent, its outcome is unknown
        ├── TaskTimeout          the task's own limit ended it
        ├── Cancelled            we stopped it
        └── TaskFailed           the task ran and failed

Every class takes its message as the one positional argument and everything else by keyword with a
default, so that all of them survive pickling.
"""

from __future__ import annotations

import builtins
import re
from typing import Any

import msgspec


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=False):
    """An error as data: what events, JSON and results carry."""

    kind: str
    message: str
    hint: str | None = None
    retryable: bool = False


class HostpoolError(Exception):
    """Base of all. ``line`` and ``column`` count from 1; ``source`` is the text of that line."""

    kind = "error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        host: str | None = None,
        kind: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
        self.source = source
        self.host = host
        self.retryable = retryable
        if kind is not None:
            self.kind = kind

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.__class__, (self.message,), self.__dict__)

    def info(self) -> ErrorInfo:
        """This error as data."""
        return ErrorInfo(self.kind, self.message, self.hint, self.retryable)

    def where(self) -> str:
        """``file:line:column`` as far as known, else the empty string."""
        parts = [self.file or "", *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(part for part in parts if part)


class UsageError(HostpoolError):
    kind = "usage"


class ConfigError(UsageError):
    kind = "config"


class InventoryError(UsageError):
    kind = "inventory"


class PatternError(UsageError):
    kind = "pattern"


class SSHConfigError(UsageError):
    kind = "ssh_config"


class PlaybookError(UsageError):
    kind = "playbook"


class Problems(HostpoolError):
    """Everything that is wrong, found in one pass. ``errors`` is never empty."""

    kind = "problems"

    def __init__(self, message: str, *, errors: tuple[HostpoolError, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors

    @classmethod
    def of(cls, errors: list[HostpoolError]) -> HostpoolError:
        """One error stays itself, several become Problems."""
        if len(errors) == 1:
            return errors[0]
        return cls(f"{len(errors)} problems", errors=tuple(errors))


class LockHeld(HostpoolError):
    kind = "lock_held"


class PoolError(HostpoolError):
    kind = "pool"


class PoolClosedError(PoolError, ValueError):
    kind = "pool_closed"


class PoolBrokenError(PoolError):
    kind = "pool_broken"


class TimeoutError(HostpoolError, builtins.TimeoutError):
    kind = "result_timeout"


class HostError(HostpoolError):
    kind = "host"


class Unreachable(HostError):
    """``attempts`` counts the connection attempts behind it."""

    kind = "unreachable"
    attempts = 1


class Lost(HostError):
    kind = "lost"


class TaskTimeout(HostError):
    kind = "task_timeout"


class Cancelled(HostError):
    kind = "cancelled"


class TaskFailed(HostError):
    kind = "failed"


def excerpt(text: str, size: int = 200, *, end: bool = False) -> str:
    """At most ``size`` characters of what a host said, of its beginning or its ``end``, in whole words:
    half of a secret would not be known as one where secrets are masked."""
    if len(text) <= size:
        return text
    if end:
        kept = re.search(r"(?<=\s).*", text[-size:], re.DOTALL)
        return f"…{kept[0]}" if kept else "…"
    kept = re.match(r".*(?=\s)", text[:size], re.DOTALL)
    return f"{kept[0]}…" if kept else "…"
