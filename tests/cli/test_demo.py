"""``hostpool demo`` as a newcomer runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from hostpool.events import HostFinished, RunFinished
from tests.cli.conftest import Hostpool
from tests.farm import wait_until
from tests.patience import AMPLE


def test_a_dozen_hosts_some_of_which_are_meant_to_fail(hostpool: Hostpool) -> None:
    ended = hostpool("demo", "-o", "jsonl", timeout=100)
    assert ended.code == 0, ended.err
    assert "on real ones the exit code would be 4" in ended.err
    finished = {event.host: event.status for event in ended.events if isinstance(event, HostFinished)}
    assert len(finished) == 12
    assert sorted(set(finished.values())) == ["failed", "ok", "unreachable"]
    last = ended.events[-1]
    assert isinstance(last, RunFinished) and last.exit_code == 4


def test_settings_of_the_person_do_not_reach_the_fleet(hostpool: Hostpool) -> None:
    settings = {"HOSTPOOL_USER": "nobody-here", "HOSTPOOL_PORT": "1", "HOSTPOOL_JUMP": "bastion"}
    assert hostpool("demo", "-n", "2", timeout=100, **settings).code == 0


def test_keep_leaves_it_up_until_ctrl_c(environment: dict[str, str], workdir: Path) -> None:
    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hostpool", *words], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    with start("demo", "-n", "3", "--keep", "-o", "plain") as demo:
        assert demo.stderr is not None
        line = next(line for line in demo.stderr if "hostpool run -i /" in line)
        inventory = line.split()[3]
        with start("run", "-i", inventory, "all", "-N", "uname -n") as other:
            out, err = other.communicate(timeout=100)
        assert other.returncode == 0, err
        assert sorted(out.split())
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=100)
    assert demo.returncode == 0
    wait_until(lambda: not Path(inventory).parent.exists(), seconds=AMPLE)
