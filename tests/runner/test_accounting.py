"""Whatever befalls hosts, workers or the run: each selected host ends exactly once."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool import Command, HostPool, HostResult, Settings
from hostpool.batches import Limit
from hostpool.events import Event, RunFinished, RunStarted
from hostpool.runner import Plan, Runner, RunReport
from tests.farm import Hostile, Refusing, Sshd
from tests.farm.hostile import close_at_once, garbage, mute
from tests.patience import promptly


class Recorder:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = 0

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        self.closed += 1

    def check(self, hosts: list[str], report: RunReport) -> None:
        assert isinstance(self.events[0], RunStarted) and isinstance(self.events[-1], RunFinished)
        finished = Counter(event.host for event in self.events if isinstance(event, HostResult))
        assert finished == Counter(hosts) and list(report.results) == hosts
        assert sum(report.counts.values()) == len(hosts)
        assert self.closed == 1


@pytest.fixture(scope="module")
def faulty(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Twelve hosts: eight that work, four that each fail to connect in their own way."""
    with (
        Refusing() as refusing,
        Hostile(mute) as silent,
        Hostile(garbage) as babbling,
        Hostile(close_at_once) as closing,
    ):
        servers: tuple[Refusing | Hostile, ...] = (refusing, silent, babbling, closing)
        lines = [f"h{n} ansible_host={a} ansible_port={sshd.port}" for n, a in enumerate(sshd.addresses(8))]
        lines += [
            f"bad{n} ansible_host={bad.address} ansible_port={bad.port}" for n, bad in enumerate(servers)
        ]
        lines += [
            "[all:vars]",
            f"ansible_user={sshd.user}",
            f"ansible_ssh_private_key_file={sshd.client_key}",
            f"ansible_ssh_common_args='-o UserKnownHostsFile={sshd.known_hosts}'",
        ]
        path = tmp_path_factory.mktemp("faulty") / "hosts.ini"
        path.write_text("\n".join(lines) + "\n")
        yield str(path)


HOSTS = [*(f"h{n}" for n in range(8)), *(f"bad{n}" for n in range(4))]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1 << 16),
    kills=st.integers(0, 2),
    end=st.sampled_from(["run on", "gently", "hard", "leave"]),
    after=st.floats(0.0, 0.8),
    fanout=st.integers(4, 12),
)
def test_random_faults_never_lose_or_double_a_host(
    faulty: str, seed: int, kills: int, end: str, after: float, fanout: int
) -> None:
    chance = random.Random(seed)
    hosts = HOSTS[:]
    chance.shuffle(hosts)
    recorder = Recorder()
    options = Settings(connect_timeout=1.0, retries=0, keep_sessions=False, kill_grace=0.5)
    with HostPool(faulty, workers=2, fanout=fanout, settings=options) as pool:
        runner = Runner(pool, [recorder], plan=Plan(deadline=20.0, kill_grace=0.5))
        runner_done = threading.Event()

        def trouble() -> None:
            runner_done.wait(after)
            for _ in range(kills):
                for pid in pool.pids()[:1]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            if end == "gently":
                runner.stop_gently()
            elif end == "hard":
                runner.stop_hard()
            elif end == "leave":
                runner.leave()

        thread = threading.Thread(target=trouble)
        thread.start()
        with promptly(60):
            report = runner.run(hosts, Command(f"sleep 0.{chance.randrange(1, 6)}"))
        runner_done.set()
        thread.join()
    recorder.check(hosts, report)
    assert report.exit_code != 0


def _local(tmp_path: Path, count: int) -> tuple[str, list[str]]:
    hosts = [f"h{n}" for n in range(count)]
    path = tmp_path / "local.ini"
    path.write_text("".join(f"{host} ansible_connection=local\n" for host in hosts))
    return str(path), hosts


def _run(inventory: str, hosts: list[str], command: str, plan: Plan, fanout: int = 4) -> RunReport:
    recorder = Recorder()
    with HostPool(inventory, workers=2, fanout=fanout, settings=Settings(keep_sessions=False)) as pool:
        report = Runner(pool, [recorder], plan=plan).run(hosts, Command(command))
    recorder.check(hosts, report)
    return report


def test_max_fail_stops_when_more_than_that_have_failed(tmp_path: Path) -> None:
    inventory, hosts = _local(tmp_path, 30)
    report = _run(inventory, hosts, "sleep 0.1; exit 1", Plan(max_fail=Limit(3)), fanout=2)
    assert report.exit_code == 5 and report.stopped_early
    assert 4 <= report.counts["failed"] <= 6
    assert report.counts["not_run"] == 30 - report.counts["failed"]


def test_a_failing_canary_stops_the_ramp(tmp_path: Path) -> None:
    inventory, hosts = _local(tmp_path, 20)
    report = _run(inventory, hosts, "exit 1", Plan(batches=("1", "10%", "100%")))
    assert report.counts["failed"] == 1 and report.counts["not_run"] == 19 and report.exit_code == 5


def test_batches_follow_each_other_with_a_pause(tmp_path: Path) -> None:
    inventory, hosts = _local(tmp_path, 7)
    began = time.monotonic()
    report = _run(inventory, hosts, "date +%s.%N", Plan(batches=("1", "3"), pause=0.4))
    assert time.monotonic() - began >= 0.8 and report.exit_code == 0
    times = [float(report.results[host].stdout) for host in hosts]
    assert times[0] < min(times[1:4]) <= max(times[1:4]) < min(times[4:])


def test_the_deadline_ends_everything_and_says_so(tmp_path: Path) -> None:
    inventory, hosts = _local(tmp_path, 6)
    with promptly():
        report = _run(inventory, hosts, "sleep 100", Plan(deadline=2.0, kill_grace=1.0), fanout=3)
    assert report.exit_code == 5
    assert report.counts["timeout"] == 3 and report.counts["not_run"] == 3


def test_a_sink_that_breaks_is_dropped_and_the_run_goes_on(tmp_path: Path) -> None:
    inventory, hosts = _local(tmp_path, 5)

    class Broken(Recorder):
        def handle(self, event: Event) -> None:
            if isinstance(event, HostResult):
                raise BrokenPipeError("head has seen enough")

    broken, recorder = Broken(), Recorder()
    with HostPool(inventory, workers=1) as pool:
        report = Runner(pool, [broken, recorder]).run(hosts, Command("true"))
    recorder.check(hosts, report)
    assert report.exit_code == 0 and broken.closed == 1
    assert [type(error) for error in report.broken_sinks] == [BrokenPipeError]
