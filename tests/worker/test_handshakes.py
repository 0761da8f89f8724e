"""Handshakes with one gateway: bounded, halved by a drop, raised by success."""

from __future__ import annotations

import threading
import time

import pytest

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.worker.handshakes import FIRST_LIMIT, Handshakes, gateway


def host(number: int, **fields: object) -> Target:
    return Target(name=f"h{number}", address="10.0.0.1", user="root", **fields)  # type: ignore[arg-type]  # fields of a Target


def test_names_of_one_address_share_a_bound_and_jumped_hosts_need_none() -> None:
    assert gateway(host(1)) == gateway(host(2)) == "10.0.0.1:22"
    assert gateway(host(1, jumps=(Target(name="bastion"),))) is None
    first = Target(name="a", address="10.0.0.1", proxy_command="ssh -W 10.0.0.1:22 gate")
    second = Target(name="b", address="10.0.0.2", port=2222, proxy_command="ssh -W 10.0.0.2:2222 gate")
    assert gateway(first) == gateway(second) == "ssh -W %:% gate"


def test_no_more_than_the_bound_at_once() -> None:
    handshakes = Handshakes()
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
        thread.join(20)
    assert FIRST_LIMIT / 2 <= most <= FIRST_LIMIT + 4


def test_a_drop_halves_it_and_success_brings_it_back() -> None:
    handshakes = Handshakes()
    key = gateway(host(1))
    assert key is not None
    for _ in range(10):
        with pytest.raises(Unreachable), handshakes.place(host(1), Stop()):
            raise Unreachable("dropped", kind="throttled")
    assert handshakes.limit(key) == 1.0
    with pytest.raises(Unreachable), handshakes.place(host(1), Stop()):
        raise Unreachable("denied", kind="auth_failed")
    for _ in range(60):
        with handshakes.place(host(1), Stop()):
            pass
    assert handshakes.limit(key) > FIRST_LIMIT


def test_a_stop_ends_the_waiting() -> None:
    handshakes = Handshakes()
    stop = Stop()
    threading.Timer(0.2, stop.request, ("cancelled", 0.0)).start()

    def fill(left: int) -> None:
        if left == 0:
            began = time.monotonic()
            with pytest.raises(Cancelled), handshakes.place(host(99), stop):
                pass
            assert time.monotonic() - began < 5
            return
        with handshakes.place(host(left), Stop()):
            fill(left - 1)

    fill(int(FIRST_LIMIT))
