"""When a host that has gone silent is given up, on a clock that is turned by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.alarms import Alarm, Alarms
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.transport import Transport

INTERVAL, COUNT = 0.4, 3
LIMIT = INTERVAL * COUNT


class Clock:
    """Alarms that ring when the time is put forward."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waiting: list[Alarm] = []

    def at(self, when: float, callback: Callable[[], object]) -> Alarm:
        self.waiting.append(Alarm(when, callback))
        return self.waiting[-1]

    def forward(self, to: float) -> None:
        while due := [alarm for alarm in self.waiting if alarm.when <= to]:
            first = min(due, key=lambda alarm: alarm.when)
            self.waiting.remove(first)
            self.now = max(self.now, first.when)
            first.ring()
        self.now = to

    def leap(self, seconds: float) -> None:
        """The process stood still."""
        self.now += seconds
        self.forward(self.now)


class Line:
    """As much of a transport as a heartbeat needs: a host that answers until it is ``gone``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handler_table: dict[int, Any] = {}
        self.packetizer = self.wire = self
        self.ended = threading.Event()
        self.heard_at = clock.now
        self.gone = False
        self.killed_at: float | None = None

    def ask_alive(self) -> None:
        if not self.gone:
            self.heard_at = self._clock.now
            next(iter(self._handler_table.values()))(None)

    def stuck_for(self) -> float:
        return 0.0

    def stir(self) -> None:
        pass

    def kill(self) -> None:
        self.killed_at = self._clock.now
        self.ended.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("hostpool.ssh.heartbeat.time.monotonic", lambda: made.now)
    return made


def beating(clock: Clock) -> tuple[Line, Heartbeat]:
    line = Line(clock)
    return line, Heartbeat(cast(Alarms, clock), cast(Transport, line), INTERVAL, COUNT)


def follow(clock: Clock, line: Line, heartbeat: Heartbeat, until: float, wakes: list[float]) -> None:
    """What the thread that waits for a command does: it asks when it is due, and whenever it wakes up."""
    while clock.now < until and line.killed_at is None:
        due = clock.now + max(heartbeat.due(), 0.001)
        clock.forward(min([due, until, *(wake for wake in wakes if wake > clock.now)]))
        heartbeat.ask()


@settings(max_examples=200, deadline=None)
@given(
    gone_after=st.floats(0, 5),
    heard=st.lists(st.floats(0, 5), max_size=5),
    wakes=st.lists(st.floats(0, 8), max_size=8),
)
def test_it_is_given_up_in_time_and_never_before(
    gone_after: float, heard: list[float], wakes: list[float]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr("hostpool.ssh.heartbeat.time.monotonic", lambda: clock.now)
        line, heartbeat = beating(clock)
        began = clock.now
        moments = [began + wake for wake in wakes]
        for moment in sorted(heard):
            if moment < gone_after:
                follow(clock, line, heartbeat, began + moment, moments)
                line.heard_at = clock.now
        follow(clock, line, heartbeat, began + gone_after, moments)
        assert not heartbeat.dead, "a host that answers is not dead"
        line.gone = True
        last = line.heard_at
        follow(clock, line, heartbeat, last + 3 * LIMIT, moments)
        assert line.killed_at == pytest.approx(last + LIMIT, abs=0.01)


def test_a_process_that_stood_still_first_reads_what_was_answered(clock: Clock) -> None:
    line, heartbeat = beating(clock)
    line.gone = True
    clock.forward(clock.now + INTERVAL)
    heartbeat.ask()
    clock.leap(60.0)
    line.gone = False
    line.ask_alive()
    clock.forward(clock.now + 10)
    assert line.killed_at is None and not heartbeat.dead


def test_one_that_is_really_gone_meanwhile_is_noticed_a_little_later(clock: Clock) -> None:
    line, heartbeat = beating(clock)
    line.gone = True
    clock.forward(clock.now + INTERVAL)
    heartbeat.ask()
    clock.leap(60.0)
    back = clock.now
    follow(clock, line, heartbeat, back + 10, [])
    assert line.killed_at == pytest.approx(back + INTERVAL)
