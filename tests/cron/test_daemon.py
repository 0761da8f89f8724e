"""Under Debian's own cron daemon, with its mail captured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.history import FILE_NAME, History, HistoryError, Query
from tests.cli.conftest import ROOT
from tests.cron.daemon import CRON, Daemon, can_be_had
from tests.farm.processes import wait_until
from tests.history.conftest import Fleet

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.skipif(
        os.geteuid() == 0 and not can_be_had(), reason="needs cron and the right to make mount namespaces"
    ),
]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    running = Daemon(tmp_path / "cron")
    yield running
    running.stop()


@pytest.fixture
def setting(tmp_path: Path, tmp_home: Path) -> str:
    """The lines before the jobs: cron gives them only HOME, LOGNAME, SHELL and a short PATH."""
    lines = {
        "MAILTO": "ops@example.com",
        "HOME": str(tmp_home),
        "PYTHONPATH": str(ROOT),
        "HOSTPOOL_STATE_DIR": str(tmp_path / "state"),
        "HOSTPOOL_SYSLOG": "off",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def runs(state: Path) -> int:
    try:
        with History(state / FILE_NAME) as history:
            return sum(run.exit_code is not None for run in history.runs(Query()))
    except HistoryError:
        return 0


def test_it_mails_exactly_at_the_changes(
    daemon: Daemon, setting: str, fleet: Fleet, tmp_path: Path, workdir: Path
) -> None:
    inventory = fleet("web1", "web2")
    state = tmp_path / "state"
    script = workdir / "check.sh"
    job = f"@reboot {sys.executable} -m hostpool script --cron check -i {inventory} all {script}\n"
    counted = []
    for number, outcome in enumerate(["true", "true", "exit 3", "exit 3", "true"], 1):
        script.write_text(f"#!/bin/sh\n{outcome}\n")
        daemon.start(setting + job)
        wait_until(lambda n=number: runs(state) == n, seconds=30)  # type: ignore[misc]  # mypy cannot infer it
        wait_until(daemon.idle, seconds=30)  # cron has read the end of its output, and mailed
        daemon.stop()
        counted.append(len(daemon.mails()))
    assert counted == [0, 0, 1, 1, 2]
    failed, recovered = (str(mail.get_payload()) for mail in daemon.mails())
    assert failed.startswith("hostpool check: 2 of 2 hosts failed: web[1-2]\n")
    assert recovered.startswith("hostpool check: recovered, 2 hosts ok (not well since ")
    assert [mail["To"] for mail in daemon.mails()] == ["ops@example.com"] * 2
    assert "hostpool script --cron check" in daemon.mails()[0]["Subject"]


def test_a_job_of_every_minute(
    daemon: Daemon, setting: str, fleet: Fleet, tmp_path: Path, workdir: Path
) -> None:
    """As ``hostpool cron line`` prints it. The next minute is at most 60 seconds away."""
    inventory = fleet("web1", "web2")
    words = "-i", "hosts.yml", "all", "--", "echo", "100% of it; exit 4"
    made = subprocess.run(
        [sys.executable, "-m", "hostpool", "cron", "line", "* * * * *", "minutely", "--", "run", *words],
        capture_output=True, text=True, check=True, cwd=workdir,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert inventory in made.stdout and r"100\%" in made.stdout
    daemon.start(setting + made.stdout)
    wait_until(lambda: bool(daemon.mails()), seconds=75)
    assert daemon.alive()
    (mail,) = daemon.mails()
    lines = str(mail.get_payload()).splitlines()
    assert lines[0] == "hostpool minutely: 2 of 2 hosts failed: web[1-2]"
    assert "  100% of it" in lines and "web[1-2] (2) failed, exit code 4" in lines


def test_cron_is_there() -> None:
    assert CRON is not None
