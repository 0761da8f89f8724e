"""What a task on a host asks for, and what it comes to in the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from hostpool.playbook.actions import Effects
from hostpool.playbook.results import Result
from hostpool.results import HostResult
from hostpool.tasks.modules.job import Connect, ModuleTask


class Ask(msgspec.Struct, frozen=True):
    """A pause that only the person at the terminal can end; what is typed becomes ``user_input``."""

    prompt: str
    echo: bool


class Submit(msgspec.Struct, frozen=True):
    """A job for ``host``, reached as ``name`` (the pool's word for it)."""

    host: str
    name: str
    task: ModuleTask | Connect | Ask


class Ended(msgspec.Struct):
    """``includes``: for include_tasks and include_role the arguments and variables of each item."""

    result: Result
    effects: list[Effects] = []
    includes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    looped: bool = False


Running = Generator[Submit, HostResult, Ended]
