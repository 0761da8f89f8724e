"""Handshakes with one gateway: bounded, halved by a drop, raised by success."""

from __future__ import annotations

import threading
import time

import pytest

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.worker.handshakes import Handshakes, gateway
from tests.patience import promptly


def host(number: int, **fields: object) -> Target:
    return Target(name=f"h{number}", address="10.0.0.1", user="root", **fields)  # type: ignore[arg-type]  # fields of a Target


def test_names_of_one_address_share_a_bound_and_jumped_hosts_need_none() -> None:
    assert gateway(host(1)) == gateway(host(2)) == "10.0.0.1:22"
    assert gateway(host(1, jumps=(Target(name="bastion"),))) is None
    first = Target(name="a", address="10.0.0.1", proxy_command="ssh -W 10.0.0.1:22 gate")
    second = Target(name="b", address="10.0.0.2", port=2222, proxy_command="ssh -W 10.0.0.2:2222 gate")
    assert gateway(first) == gateway(second) == "ssh -W %:% gate"


def learned(handshakes: Handshakes, bound: int) -> str:
    """Makes the server drop us while twice as many run: the bound is ``bound`` then."""
    key = gateway(host(0))
    assert key is not None

    def nest(left: int) -> None:
        with handshakes.place(host(left), Stop()):
            if left > 1:
                nest(left - 1)
            else:
                raise Unreachable("dropped", kind="throttled")

    try:
        nest(1)
    except Unreachable:
        pass
    assert handshakes.limit(key) == 1.0
    while handshakes.limit(key) < bound:
        with handshakes.place(host(0), Stop()):
            pass
    return key


def test_without_a_drop_nobody_waits() -> None:
    handshakes = Handshakes()
    inside = threading.Barrier(40, timeout=10)

    def one(number: int) -> None:
        with handshakes.place(host(number), Stop()):
            inside.wait()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not inside.broken


def test_after_a_drop_no_more_than_the_bound_at_once() -> None:
    handshakes = Handshakes()
    learned(handshakes, 4)
    now = most = 0
    lock = threading.Lock()

    def one(number: int) -> None:
        nonlocal now, most
        with handshakes.place(host(number), Stop()):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.05)
            with lock:
                now -= 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 2 <= most <= 10


def test_other_failures_teach_nothing() -> None:
    handshakes = Handshakes()
    key = learned(handshakes, 4)
    before = handshakes.limit(key)
    with pytest.raises(Unreachable), handshakes.place(host(1), Stop()):
        raise Unreachable("denied", kind="auth_failed")
    assert handshakes.limit(key) == before
    with pytest.raises(Unreachable), handshakes.place(host(1), Stop()):
        raise Unreachable("dropped", kind="closed_early")
    assert handshakes.limit(key) == 1.0


def test_a_stop_ends_the_waiting() -> None:
    handshakes = Handshakes()
    learned(handshakes, 1)
    stop = Stop()
    threading.Timer(0.2, stop.request, ("cancelled", 0.0)).start()
    held, wanted = handshakes.place(host(1), Stop()), handshakes.place(host(2), stop)
    with held, promptly(), pytest.raises(Cancelled), wanted:
        pass
