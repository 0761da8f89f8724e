"""Tasks: what is done on a host, as generators of requests (see base)."""

from hostpool.tasks.base import Effect, FileSource, Note, Outcome, Request, Run, RunReply, Sleep, Task
from hostpool.tasks.commands import Command, Ping, Script, Verdict

__all__ = [
    "Command",
    "Effect",
    "FileSource",
    "Note",
    "Outcome",
    "Ping",
    "Request",
    "Run",
    "RunReply",
    "Script",
    "Sleep",
    "Task",
    "Verdict",
]
