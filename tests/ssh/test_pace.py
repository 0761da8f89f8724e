"""Standard input goes ahead of its reader by what keeps it busy: OpenSSH's server pays for more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from hostpool.messages import Target
from hostpool.ssh import SSHContext, pace
from hostpool.ssh.pace import PACKET, Pace
from hostpool.tasks.base import FileSource, Reading
from tests.ssh.helpers import command, connected, run

WINDOW = 2 << 20
NEAR = 16 * PACKET
LARGE = 64 << 20


class Zeros:
    """A Reading that counts what is ``taken`` of it."""

    taken = 0

    def read(self, size: int, /) -> bytes:
        data = bytes(min(size, LARGE - self.taken))
        self.taken += len(data)
        return data

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Source(FileSource):
    path: str = "zeros"
    zeros: Zeros = field(default_factory=Zeros)

    def open(self) -> Reading:
        return self.zeros


def channel(version: str = "SSH-2.0-OpenSSH_9.2p1", trip: float = 0.0001) -> Any:
    wire = SimpleNamespace(round_trip=lambda: trip)
    transport = SimpleNamespace(remote_version=version, wire=wire)
    return SimpleNamespace(transport=transport, round_trip=0.03, window_out=0, wanted=1)


def opened(made: Any) -> Pace:
    """With its first adjustment come, as OpenSSH's server has it."""
    found = Pace(made)
    assert found.room() == 0
    made.window_out = WINDOW
    return found


def test_a_host_nearby_gets_a_quarter_of_its_window_ahead() -> None:
    near = channel()
    found = opened(near)
    assert found.room() == NEAR
    near.window_out -= NEAR
    assert found.room() == 0
    assert found.due is not None
    near.window_out = near.wanted - 1
    assert found.room() == 0
    near.window_out = near.wanted
    assert found.room() == NEAR // 2
    assert found.due is None


@pytest.mark.parametrize(
    ("version", "trip"),
    [("SSH-2.0-dropbear_2022.83", 0.0001), ("SSH-2.0-OpenSSH_9.2p1", 0.1), ("SSH-2.0-OpenSSH_9.2p1", 0.0)],
)
def test_others_and_hosts_far_away_get_all_they_take(version: str, trip: float) -> None:
    """Also where only the time that the channel took to open is known."""
    far = channel(version, trip)
    found = opened(far)
    assert found.room() == WINDOW
    far.window_out = 1
    assert found.room() == 1
    assert far.wanted == 1


def test_who_only_asks_for_more_when_his_window_is_nearly_empty_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = channel()
    found = opened(slow)
    slow.window_out -= found.room()
    monkeypatch.setattr(pace, "_PATIENCE", 0.0)
    assert found.room() == 0
    assert found.room() == slow.window_out
    assert (found.due, slow.wanted) == (None, 1)


def drained(near: Any, found: Pace, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as makes a trial, at so many bytes a second."""
    moment = time.monotonic()
    sent = 0
    while sent < pace._TRIAL:
        near.window_out = WINDOW
        monkeypatch.setattr(time, "monotonic", lambda at=moment + sent / rate: at)
        sent += found.room()
    monkeypatch.undo()


@pytest.mark.parametrize(("rate", "then"), [(40e6, 4 * NEAR), (10e6, NEAR)])
def test_more_is_kept_where_it_is_faster(rate: float, then: int, monkeypatch: pytest.MonkeyPatch) -> None:
    near = channel()
    found = opened(near)
    for each in (10e6, rate):
        found._since = time.monotonic()
        drained(near, found, each, monkeypatch)
    near.window_out = WINDOW
    assert found.room() == min(then, WINDOW)


def test_a_program_that_does_not_read(
    context: SSHContext, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_PATIENCE", 60.0)
    monkeypatch.setattr(pace, "_RATE", 1)  # a busy machine's host is not nearby
    source = Source()
    with connected(context, target) as session:
        assert run(session, command("sleep 0.5", stdin=source))[0].exit_code == 0
    assert NEAR <= source.zeros.taken <= 3 * NEAR


def test_the_whole_window_after_a_while(
    context: SSHContext, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_PATIENCE", 0.1)
    source = Source()
    with connected(context, target) as session:
        assert run(session, command("sleep 1", stdin=source))[0].exit_code == 0
    assert source.zeros.taken >= WINDOW


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_all_of_it_arrives(
    context: SSHContext, target: Target, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(pace, "_PATIENCE", patience)
    with connected(context, target) as session:
        left, output = run(session, command("wc -c", stdin=Source()))
    assert (left.exit_code, output.stdout.strip()) == (0, str(LARGE).encode())
