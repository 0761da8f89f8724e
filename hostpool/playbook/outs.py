"""What the state machine gives out, what it is told about the run, and what it knows of a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hostpool.playbook.calls import Defaults
from hostpool.playbook.results import Result
from hostpool.playbook.resume import Left
from hostpool.playbook.running import Submit
from hostpool.playbook.tags import Choice


class PlayBegan(msgspec.Struct, frozen=True):
    play: str
    hosts: tuple[str, ...]


class TaskBegan(msgspec.Struct, frozen=True):
    play: str
    task: str


class TaskEnded(msgspec.Struct, frozen=True):
    """``status``: ok, changed, failed, unreachable, skipped; ``ignored``: a failure that does not count.
    ``diff``: whether somebody wants to see what differs."""

    host: str
    play: str
    task: str
    status: str
    result: Result
    ignored: bool = False
    diff: bool = False


class Said(msgspec.Struct, frozen=True):
    """A warning."""

    message: str
    hint: str | None = None


class Job(msgspec.Struct, frozen=True):
    number: int
    submit: Submit


Out = PlayBegan | TaskBegan | TaskEnded | Said | Job


class Options(msgspec.Struct, frozen=True):
    """What the command line says about the run."""

    limit: str | None = None
    exclude: tuple[str, ...] = ()
    extra: Mapping[str, Any] = {}
    defaults: Defaults = msgspec.field(default_factory=Defaults)
    choice: Choice = msgspec.field(default_factory=Choice)
    force_handlers: bool = False
    fanout: int = 64
    verbosity: int = 0
    only: frozenset[str] | None = None
    """Hosts beside which no other is touched."""
    left: Left | None = None
    """What an earlier run left undone, to be taken up; ``exact``: by a playbook that has not changed."""
    exact: bool = True
    whole_results: bool = True
    """Whether somebody is shown results as a whole, not only their messages."""


class HostState(msgspec.Struct):
    """What became of a host so far. ``why`` is the message of what ended it."""

    failed: bool = False
    unreachable: bool = False
    lost: bool = False
    status: str | None = None
    changed: bool = False
    ran: bool = False
    why: str = ""
    hint: str | None = None
