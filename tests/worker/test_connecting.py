"""Retries: only what may heal, within the deadline, a throttling server beyond it."""

from __future__ import annotations

import time

import pytest

from hostpool.errors import Cancelled, Unreachable
from hostpool.local import LocalSession
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.tasks.session import Session
from hostpool.worker.connecting import connect
from tests.patience import AMPLE, promptly

TARGET = Target(name="h", connection="local", connect_timeout=AMPLE)


class Flaky:
    """A connector that fails as told, then connects."""

    def __init__(self, *failures: Unreachable, takes: float = 0.0) -> None:
        self.failures = list(failures)
        self.takes = takes
        self.limits: list[float] = []

    def connect(self, target: Target, stop: Stop) -> Session:
        self.limits.append(target.connect_timeout)
        time.sleep(self.takes)
        if self.failures:
            raise self.failures.pop(0)
        return LocalSession(target)


def _heals(kind: str = "refused") -> Unreachable:
    return Unreachable("no", kind=kind, retryable=True)


def test_what_may_heal_is_tried_again_within_the_deadline() -> None:
    connector = Flaky(_heals(), _heals())
    retries: list[int] = []
    _, attempts = connect(connector, TARGET, 2, Stop(), lambda n, error, pause: retries.append(n))
    assert attempts == 3 and retries == [1, 2]
    assert AMPLE >= connector.limits[0] > connector.limits[1] > connector.limits[2]


def test_a_refused_login_is_never_tried_again() -> None:
    connector = Flaky(Unreachable("denied", kind="auth_failed"))
    with pytest.raises(Unreachable) as caught:
        connect(connector, TARGET, 5, Stop(), lambda *_: None)
    assert caught.value.attempts == 1 == len(connector.limits)


def test_retries_are_counted() -> None:
    connector = Flaky(*(_heals() for _ in range(9)))
    with pytest.raises(Unreachable) as caught:
        connect(connector, TARGET, 1, Stop(), lambda *_: None)
    assert caught.value.attempts == 2


def test_no_attempt_begins_after_the_deadline() -> None:
    connector = Flaky(*(_heals() for _ in range(9)), takes=0.4)
    target = Target(name="h", connection="local", connect_timeout=1.0)
    with promptly(), pytest.raises(Unreachable):
        connect(connector, target, 100, Stop(), lambda *_: None)
    assert len(connector.limits) <= 3 and all(0 < limit <= 1.0 for limit in connector.limits)


def test_a_throttling_server_is_waited_for_and_not_counted() -> None:
    connector = Flaky(*(_heals("throttled") for _ in range(2)))
    target = Target(name="h", connection="local", connect_timeout=1.0)
    _, attempts = connect(connector, target, 0, Stop(), lambda *_: None)
    assert attempts == 3


def test_a_stop_ends_the_waiting() -> None:
    stop = Stop()
    stop.request("cancelled", 0.0)
    with promptly(), pytest.raises(Cancelled):
        connect(Flaky(_heals()), TARGET, 5, stop, lambda *_: None)
