"""Initializers and tasks for the tests: importable in the worker processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostpool.tasks import Outcome, Request

_seen: list[str] = []


def note_pid(directory: str) -> None:
    """Leaves a line for each time it ran, in a file named after the process."""
    with Path(directory, str(os.getpid())).open("a") as file:
        file.write("initialized\n")


def remember(*words: str) -> None:
    _seen.extend(words)


def fail() -> None:
    raise RuntimeError("the licence server is down")


@dataclass(frozen=True)
class Pid:
    """A task that does nothing on the host; its result names the worker and what it remembers."""

    @property
    def name(self) -> str:
        return "pid"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        yield from ()
        return Outcome(status="ok", result={"pid": os.getpid(), "seen": list(_seen)})


@dataclass(frozen=True)
class Imported:
    """Which of these modules of tasks the worker has imported, before any task needed them."""

    modules: tuple[str, ...]

    @property
    def name(self) -> str:
        return "imported"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        yield from ()
        found = [name for name in self.modules if f"hostpool.tasks.modules.{name}" in sys.modules]
        return Outcome(status="ok", result={"found": found})


@dataclass(frozen=True)
class Buggy:
    """A task with a bug of its own."""

    @property
    def name(self) -> str:
        return "buggy"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        yield from ()
        raise ZeroDivisionError("in the task")


class Unpicklable:
    name = "unpicklable"

    def __init__(self) -> None:
        self.handle = open(os.devnull)  # noqa: SIM115  # it is meant to be in the way

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        yield from ()
        return Outcome(status="ok")
