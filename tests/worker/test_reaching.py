"""Logging in anew while a host is away: for as long as it takes, but no password too often."""

from __future__ import annotations

import threading

import msgspec
import pytest

from hostpool.errors import Cancelled, TaskFailed, Unreachable
from hostpool.local import LocalSession
from hostpool.messages import Target
from hostpool.secrets import Secret
from hostpool.stop import Stop
from hostpool.tasks.session import Session
from hostpool.worker.reaching import REFUSALS, reconnect
from tests.patience import promptly

HOST = Target(name="h", connect_timeout=5.0)


class Booting:
    """Refuses in the given way until ``ready`` attempts were made."""

    def __init__(self, ready: int, kind: str = "refused", *, retryable: bool = True) -> None:
        self.ready = ready
        self.error = (kind, retryable)
        self.limits: list[float] = []

    def connect(self, target: Target, stop: Stop) -> Session:
        self.limits.append(target.connect_timeout)
        if stop.reason is not None:
            raise Cancelled("stopped", host=target.name)
        if len(self.limits) < self.ready:
            raise Unreachable("no", kind=self.error[0], retryable=self.error[1])
        return LocalSession(target)


@pytest.mark.parametrize("kind", ["refused", "auth_failed", "host_key_changed", "handshake"])
def test_anything_may_be_temporary_while_it_boots(kind: str) -> None:
    connector = Booting(3, kind, retryable=kind == "refused")
    assert reconnect(connector, HOST, 100.0, Stop()).alive
    assert len(connector.limits) == 3


def test_the_time_is_kept() -> None:
    connector = Booting(10**6)
    with promptly(), pytest.raises(Unreachable):
        reconnect(connector, HOST, 2.0, Stop())
    assert all(limit <= 2.0 for limit in connector.limits)


def test_a_password_is_not_refused_more_than_three_times() -> None:
    connector = Booting(10**6, "auth_failed", retryable=False)
    target = msgspec.structs.replace(HOST, password=Secret("secret-1"))
    with pytest.raises(Unreachable):
        reconnect(connector, target, 60.0, Stop())
    assert len(connector.limits) == REFUSALS


def test_a_stop_ends_it() -> None:
    stop = Stop()
    threading.Timer(0.3, lambda: stop.request("cancelled", 1.0)).start()
    with promptly(), pytest.raises(Cancelled):
        reconnect(Booting(10**6), HOST, 100.0, stop)


def test_this_machine_is_not_left() -> None:
    with pytest.raises(TaskFailed):
        reconnect(Booting(1), Target(name="here", connection="local"), 1.0, Stop())
