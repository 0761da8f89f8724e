"""Tasks: what is done on a host, as generators of requests (see base). Each name is imported when it is
first used: a command of one word has no use for what transfers of files need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hostpool.tasks.base import Effect, FileSource, Note, Outcome, Request, Run, RunReply, Sleep, Task
    from hostpool.tasks.commands import Command, Ping, Script, Verdict
    from hostpool.tasks.facts import Facts
    from hostpool.tasks.fetch import Get
    from hostpool.tasks.files import Put, Sync

_HOMES = {
    "base": ("Effect", "FileSource", "Note", "Outcome", "Request", "Run", "RunReply", "Sleep", "Task"),
    "commands": ("Command", "Ping", "Script", "Verdict"),
    "facts": ("Facts",),
    "fetch": ("Get",),
    "files": ("Put", "Sync"),
}

__all__ = [
    "Command",
    "Effect",
    "Facts",
    "FileSource",
    "Get",
    "Note",
    "Outcome",
    "Ping",
    "Put",
    "Request",
    "Run",
    "RunReply",
    "Script",
    "Sleep",
    "Sync",
    "Task",
    "Verdict",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            import importlib

            value = getattr(importlib.import_module(f"hostpool.tasks.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'hostpool.tasks' has no attribute {name!r}")
