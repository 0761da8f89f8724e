"""Time limits on a clock that stands still while we are held up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from hostpool.alarms import Alarms
from hostpool.stop import StopReason
from hostpool.worker.clock import TaskClock
from tests.patience import AMPLE


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    alarms = Alarms()
    yield alarms
    alarms.close()


class Expiry:
    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self.event = threading.Event()
        self.at = 0.0

    def __call__(self, reason: StopReason) -> None:
        self.reason = reason
        self.at = time.monotonic()
        self.event.set()


def test_the_limit_expires_once_and_says_so(alarms: Alarms) -> None:
    expiry = Expiry()
    clock = TaskClock(alarms, 0.1, None, expiry)
    clock.start()
    assert expiry.event.wait(AMPLE) and expiry.reason == "timeout"


def test_output_keeps_silence_from_expiring(alarms: Alarms) -> None:
    expiry = Expiry()
    clock = TaskClock(alarms, None, 0.8, expiry)
    clock.start()
    heard = time.monotonic()
    for _ in range(12):
        time.sleep(0.1)
        if not expiry.event.is_set():  # else we slept for longer than that
            heard = time.monotonic()
            clock.heard()
    assert expiry.event.wait(AMPLE) and expiry.reason == "silence"
    assert expiry.at - heard >= 0.8


def test_no_time_passes_while_we_are_stalled(alarms: Alarms) -> None:
    expiry = Expiry()
    clock = TaskClock(alarms, 0.2, 0.2, expiry)
    clock.stall()
    clock.start()
    clock.stall()
    assert not expiry.event.wait(0.8)
    clock.resume()
    clock.resume()
    assert expiry.event.wait(AMPLE)


def test_a_stopped_clock_never_expires(alarms: Alarms) -> None:
    expiry = Expiry()
    clock = TaskClock(alarms, 0.5, None, expiry)
    clock.start()
    clock.stop()
    assert not expiry.event.wait(0.8)
