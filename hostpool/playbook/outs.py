"""What the state machine gives out, what it is told about the run, and what it knows of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostpool.playbook.calls import Defaults
from hostpool.playbook.results import Result
from hostpool.playbook.resume import Left
from hostpool.playbook.running import Submit
from hostpool.playbook.tags import Choice


@dataclass(frozen=True, slots=True)
class PlayBegan:
    play: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskBegan:
    play: str
    task: str


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """``status``: ok, changed, failed, unreachable, skipped; ``ignored``: a failure that does not count.
    ``diff``: whether somebody wants to see what differs."""

    host: str
    play: str
    task: str
    status: str
    result: Result
    ignored: bool = False
    diff: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A warning."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    number: int
    submit: Submit


Out = PlayBegan | TaskBegan | TaskEnded | Said | Job


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about the run."""

    limit: str | None = None
    exclude: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    choice: Choice = field(default_factory=Choice)
    force_handlers: bool = False
    fanout: int = 64
    verbosity: int = 0
    only: frozenset[str] | None = None
    """Hosts beside which no other is touched."""
    left: Left | None = None
    """What an earlier run left undone, to be taken up; ``exact``: by a playbook that has not changed."""
    exact: bool = True


@dataclass(slots=True)
class HostState:
    """What became of a host so far. ``why`` is the message of what ended it."""

    failed: bool = False
    unreachable: bool = False
    lost: bool = False
    status: str | None = None
    changed: bool = False
    ran: bool = False
    why: str = ""
    hint: str | None = None
