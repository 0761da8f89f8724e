"""Ctrl-C once, twice, three times; SIGTERM; every host is reported in any case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hostpool.cli.signals import Signals
from hostpool.events import HostFinished, RunFinished, from_json
from tests.farm import Sshd, alive, wait_until
from tests.patience import AMPLE


class Recorder:
    """Stands for the run and for who is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.notes: list[str] = []

    def stop_gently(self, why: str = "") -> int:
        self.calls.append(f"gently {why}")
        return 3

    def stop_hard(self, why: str = "") -> None:
        self.calls.append(f"hard {why}")

    def leave(self, why: str = "") -> None:
        self.calls.append(f"leave {why}")

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.parametrize(
    ("sent", "calls"),
    [
        (["INT"], ["gently SIGINT"]),
        (["INT", "INT", "INT"], ["gently SIGINT", "hard SIGINT", "leave SIGINT"]),
        (["TERM"], ["hard SIGTERM"]),
        (["HUP", "INT"], ["hard SIGHUP", "leave SIGINT"]),
        (["INT", "TERM"], ["gently SIGINT", "hard SIGTERM"]),
    ],
)
def test_each_signal_goes_one_step_further(sent: list[str], calls: list[str]) -> None:
    recorder = Recorder()
    before = signal.getsignal(signal.SIGINT)
    with Signals(recorder, recorder):
        for number, name in enumerate(sent, 1):
            os.kill(os.getpid(), getattr(signal, f"SIG{name}"))
            wait_until(lambda expected=number: len(recorder.calls) == expected)  # type: ignore[misc]  # a default binds the loop's value
    assert recorder.calls == calls
    assert signal.getsignal(signal.SIGINT) is before


def test_what_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals(Recorder(), Recorder()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(sshd: Sshd, workdir: Path, environment: dict[str, str]) -> Iterator[Start]:
    """A run of six hosts, two at a time, of which two sleep by now."""
    inventory = sshd.inventory(6, workdir / "hosts.ini")
    started: list[subprocess.Popen[bytes]] = []

    def begin(command: str) -> subprocess.Popen[bytes]:
        words = ["run", "-i", str(inventory), "all", "-f", "2", "-o", "jsonl", command]
        with (workdir / "out").open("wb") as out, (workdir / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "hostpool", *words],
                stdout=out, stderr=err, env=environment, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        wait_until(lambda: len(list(workdir.glob("began.*"))) == 2, seconds=30)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def statuses(workdir: Path) -> list[str]:
    events = [from_json(line) for line in (workdir / "out").read_bytes().splitlines()]
    assert isinstance(events[-1], RunFinished)
    return sorted(event.status for event in events if isinstance(event, HostFinished))


def told(workdir: Path) -> bytes:
    return (workdir / "out").read_bytes() + (workdir / "err").read_bytes()


def began(workdir: Path, then: str) -> str:
    return f"touch {workdir}/began.$$; {then}; touch {workdir}/ended.$$"


def test_one_ctrl_c_lets_running_hosts_finish(start: Start, workdir: Path) -> None:
    process = start(began(workdir, f"while ! test -e {workdir}/go; do sleep 0.1; done"))
    process.send_signal(signal.SIGINT)
    wait_until(lambda: b"Ctrl-C again" in told(workdir), seconds=AMPLE)
    (workdir / "go").touch()
    assert process.wait(60) == 130
    assert statuses(workdir) == ["not_run"] * 4 + ["ok"] * 2
    assert len(list(workdir.glob("ended.*"))) == 2


@pytest.mark.parametrize(("signals", "code"), [(["INT", "INT"], 130), (["TERM"], 143), (["HUP"], 143)])
def test_the_second_ends_the_tasks_on_the_hosts(
    start: Start, workdir: Path, signals: list[str], code: int
) -> None:
    process = start(began(workdir, "sleep 60"))
    for name, note in zip(signals, (b"Ctrl-C again", b"once more"), strict=False):
        process.send_signal(getattr(signal, f"SIG{name}"))
        if name == "INT":  # two of the same signal at once are one
            wait_until(lambda words=note: words in told(workdir), seconds=AMPLE)  # type: ignore[misc]  # a default binds the loop's value
    assert process.wait(60) == code
    found = statuses(workdir)
    assert found[-4:] == ["not_run"] * 4
    assert set(found[:2]) <= {"cancelled", "lost"}
    assert not list(workdir.glob("ended.*"))


def test_the_third_leaves_at_once(start: Start, workdir: Path) -> None:
    process = start(began(workdir, f"trap '' TERM; until test -e {workdir}/go; do sleep 0.1; done"))
    for note in (b"Ctrl-C again", b"once more"):
        process.send_signal(signal.SIGINT)
        wait_until(lambda words=note: words in told(workdir), seconds=AMPLE)  # type: ignore[misc]  # as above
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    left = [int(mark.suffix[1:]) for mark in workdir.glob("began.*")]
    assert any(map(alive, left)), "the second would have ended them"
    assert len(statuses(workdir)) == 6
    (workdir / "go").touch()
    wait_until(lambda: not any(map(alive, left)), seconds=AMPLE)
