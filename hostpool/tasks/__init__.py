"""Tasks: what is done on a host, as generators of requests (see base)."""

from hostpool.tasks.base import Effect, FileSource, Note, Outcome, Request, Run, RunReply, Sleep, Task
from hostpool.tasks.commands import Command, Ping, Script, Verdict
from hostpool.tasks.fetch import Get
from hostpool.tasks.files import Put, Sync

__all__ = [
    "Command",
    "Effect",
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
