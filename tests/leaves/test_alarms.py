"""The timer thread: order, cancellation, callbacks that fail."""

from __future__ import annotations

import threading
import time

from hostpool.alarms import Alarms
from hostpool.stop import Stop
from tests.patience import AMPLE


def test_alarms_ring_in_order_of_time_and_cancelled_ones_never() -> None:
    alarms = Alarms()
    rung: list[str] = []
    done = threading.Event()
    now = time.monotonic()
    alarms.at(now + 0.10, lambda: rung.append("second"))
    alarms.at(now + 0.05, lambda: rung.append("first"))
    alarms.at(now + 0.07, lambda: rung.append("cancelled")).cancel()
    alarms.at(now + 0.15, done.set)
    assert done.wait(AMPLE)
    alarms.close()
    assert rung == ["first", "second"]


def test_a_callback_that_raises_silences_no_other() -> None:
    alarms = Alarms()
    done = threading.Event()
    alarms.after(0.0, lambda: 1 / 0)
    alarms.after(0.01, done.set)
    assert done.wait(AMPLE)
    alarms.close()


def test_the_first_request_to_stop_wins_and_late_subscribers_hear_it() -> None:
    stop = Stop()
    heard: list[str] = []
    forget = stop.subscribe(lambda: heard.append("early"))
    stop.subscribe(lambda: heard.append("kept"))
    forget()
    stop.request("timeout", 1.0)
    stop.request("cancelled", 9.0)
    stop.subscribe(lambda: heard.append("late"))
    assert (stop.reason, stop.grace, heard) == ("timeout", 1.0, ["kept", "late"])
    assert stop.wait(0.0)
