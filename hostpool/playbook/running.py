"""What a task on a host asks for, and what it comes to in the end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from hostpool.playbook.actions import Effects
from hostpool.playbook.results import Result
from hostpool.results import HostResult
from hostpool.tasks.modules.job import Connect, ModuleTask


@dataclass(frozen=True, slots=True)
class Ask:
    """A pause that only the person at the terminal can end; what is typed becomes ``user_input``."""

    prompt: str
    echo: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """A job for ``host``, reached as ``name`` (the pool's word for it)."""

    host: str
    name: str
    task: ModuleTask | Connect | Ask


@dataclass(slots=True)
class Ended:
    """``includes``: for include_tasks and include_role the arguments and variables of each item."""

    result: Result
    effects: list[Effects] = field(default_factory=list)
    includes: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    looped: bool = False


Running = Generator[Submit, HostResult, Ended]
