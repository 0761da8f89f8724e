"""Contestants in interleaved rounds: what else the machine does hits all of them alike."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.bench.ground import Cost, Failed
from tests.bench.tools import OURS


@dataclass(frozen=True)
class Contestant:
    """``go`` does the work once and returns what it cost, by phase (a phase is a table of its own);
    ``go(True)`` watches memory."""

    name: str
    go: Callable[[bool], dict[str, Cost]]
    unequal: str = ""
    slow: bool = False


@dataclass
class Row:
    """What one contestant needed in every round; ``error`` is why it could not take part."""

    name: str
    unequal: str = ""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    main_cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)
    memory: int | None = None
    files: int | None = None
    error: str | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def add(self, cost: Cost) -> None:
        self.wall.append(cost.wall)
        self.cpu.append(cost.cpu)
        self.main_cpu.append(cost.main_cpu)
        self.server.append(cost.server)
        if cost.first is not None and cost.last is not None:
            self.first.append(cost.first)
            self.last.append(cost.last)
        if cost.trips is not None:
            self.trips.append(cost.trips)


@dataclass
class Table:
    """``floor``: seconds that the servers alone need on this machine, from the rounds of hostpool."""

    key: str
    title: str
    hosts: int
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    floor: float | None = None

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name and row.wall), None)


@dataclass(frozen=True)
class Pace:
    """How often: ``rounds`` for all, ``slow`` of them for the slow ones, none after ``seconds`` but one."""

    rounds: int
    slow: int
    seconds: float
    quick: bool = False


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def race(contestants: Sequence[Contestant], pace: Pace, memory: bool = True) -> dict[str, list[Row]]:
    """Rows by phase. A first round warms caches and watches memory; it does not count."""
    rows: dict[str, dict[str, Row]] = {}
    errors: dict[str, str] = {}
    began = time.monotonic()

    def once(who: Contestant, watch: bool) -> dict[str, Cost]:
        say(f"    {who.name}{' (memory)' if watch else ''}")
        try:
            return who.go(watch)
        except Failed as failure:
            errors[who.name] = str(failure).strip().splitlines()[-1][:200]
            say(f"      FAILED: {failure}")
            return {}

    for who in contestants:
        if memory and not who.slow and (not pace.quick or who.name == OURS):
            for phase, cost in once(who, True).items():
                row = rows.setdefault(phase, {}).setdefault(who.name, Row(who.name, who.unequal))
                row.memory, row.files = cost.memory, cost.files
    for number in range(pace.rounds):
        lap = time.monotonic()
        turn = number % len(contestants)
        for who in [*contestants[turn:], *contestants[:turn]]:
            if who.name in errors or (who.slow and number >= pace.slow):
                continue
            for phase, cost in once(who, False).items():
                rows.setdefault(phase, {}).setdefault(who.name, Row(who.name, who.unequal)).add(cost)
        now = time.monotonic()
        if now - began + (now - lap) > pace.seconds:
            break
    order = [who.name for who in contestants]
    for name, error in errors.items():
        for found in rows.values():
            found[name] = replace(found.get(name, Row(name)), error=error)
    return {
        phase: sorted(found.values(), key=lambda row: order.index(row.name)) for phase, found in rows.items()
    }


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
