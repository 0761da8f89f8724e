"""Cron mode on the command line: silence, reports, locks, bare environments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hostpool.history.process import identity
from tests.cli.conftest import ROOT, Ended, Hostpool
from tests.farm.processes import wait_until
from tests.history.conftest import Fleet, last_run


@pytest.fixture
def inventory(fleet: Fleet) -> str:
    return fleet("web1", "web2", "web3")


def test_it_tells_exactly_at_the_changes(hostpool: Hostpool, inventory: str, workdir: Path) -> None:
    outcomes = ["true", "true", "exit 3", "exit 3", "true", "true"]
    script = workdir / "check.sh"
    ends = []
    for outcome in outcomes:
        script.write_text(f"#!/bin/sh\n{outcome}\n")
        ends.append(hostpool("script", "--cron", "check", "-i", inventory, "all", str(script)))
    assert [end.code for end in ends] == [0, 0, 3, 3, 0, 0]
    assert [bool(end.out) for end in ends] == [False, False, True, False, True, False]
    assert not any(end.err for end in ends)
    assert ends[2].out.startswith("hostpool check: 3 of 3 hosts failed: web[1-3]\n")
    assert ends[4].out.startswith("hostpool check: recovered, 3 hosts ok (not well since 20")


def test_the_report(hostpool: Hostpool, inventory: str) -> None:
    command = "echo out %n; [ %n != web2 ] || { echo broken >&2; exit 3; }"
    ended = hostpool("run", "--cron", "disk", "--subst", "-i", inventory, "all", command)
    lines = ended.out.splitlines()
    assert lines[0] == "hostpool disk: 1 of 3 hosts failed: web2"
    assert lines[1].startswith(f"`{command}` began 20") and lines[1].endswith("exit code 3")
    assert lines[2] == ""
    assert lines[3] == "web2 failed, exit code 3", "what is not well comes first"
    assert lines.index("  broken") < lines.index("web1: out web1")
    assert lines[-1].startswith("3 hosts: 2 ok, 1 failed in ")
    assert "\x1b" not in ended.out and ended.err == "" and ended.code == 3


def test_at_most_two_hundred_lines_and_where_the_rest_is(hostpool: Hostpool, inventory: str) -> None:
    ended = hostpool("run", "--cron", "long", "-i", inventory, "all", "seq 1000; exit 1")
    lines = ended.out.splitlines()
    assert len(lines) == 200
    assert lines[-1].endswith("more lines: hostpool show 1")
    assert "  1000" in hostpool("show", "1").out.splitlines()


def test_every_change_is_told(hostpool: Hostpool, inventory: str) -> None:
    command = "run", "--cron", "up", "-i", inventory, "--changed-code", "7", "all"
    assert hostpool(*command, "true").out == ""
    changed = hostpool(*command, "exit 7")
    assert changed.code == 0 and changed.out.startswith("hostpool up: 3 of 3 hosts changed: web[1-3]\n")
    assert hostpool(*command, "true").out == ""


def test_what_stays_broken_is_told_again_later(hostpool: Hostpool, inventory: str) -> None:
    command = "run", "--cron", "n", "-i", inventory, "--renotify", "1s", "all", "false"
    assert hostpool(*command).out
    time.sleep(1.1)
    assert "still 3 of 3 hosts failed: web[1-3] since 20" in hostpool(*command).out.splitlines()[0]


def test_only_after_some_in_a_row(hostpool: Hostpool, inventory: str) -> None:
    command = "run", "--cron", "n", "-i", inventory, "--notify-after", "2", "all", "false"
    assert [bool(hostpool(*command).out) for _ in range(3)] == [False, True, False]


def test_a_run_that_cannot_begin_is_told_once(hostpool: Hostpool, inventory: str, workdir: Path) -> None:
    command = "run", "--cron", "n", "-i", str(workdir / "gone.yml"), "all", "true"
    first, second = hostpool(*command), hostpool(*command)
    assert (first.code, second.code) == (2, 2)
    assert first.out.startswith("hostpool n: it could not run: ") and "gone.yml" in first.out
    assert (second.out, second.err) == ("", "")
    assert "recovered" in hostpool("run", "--cron", "n", "-i", inventory, "all", "true").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--cron", "n", "all", "true"), "inventory that is named"),
        (("run", "--cron", "n", "-i", "h,", "-k", "all", "true"), "cannot ask"),
        (("run", "--cron", "n", "-i", "h,", "-K", "all", "true"), "cannot ask"),
        (("run", "--cron", "n", "-i", "h,", "-o", "json", "all", "true"), "-o json"),
        (("run", "--cron", "n", "-i", "h,", "--stream", "all", "true"), "--stream"),
        (("run", "--cron", "../n", "-i", "h,", "all", "true"), "is no NAME"),
        (("run", "--cron", "", "-i", "h,", "all", "true"), "is no NAME"),
        (("run", "--cron", "n", "--overlap", "maybe", "-i", "h,", "all", "true"), "skip, wait, kill"),
    ],
)
def test_what_is_refused(call: Hostpool, words: tuple[str, ...], said: str) -> None:
    ended = call(*words)
    assert ended.code == 2 and said in ended.err and ended.out == ""


@contextmanager
def holding(
    environment: dict[str, str], inventory: str, go: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A run of the job ``n`` that goes on until ``go`` is there."""
    began = go.with_name(f"{go.name}.began")
    command = f"touch {began}; n=0; until [ -e {go} ] || [ $n = 300 ]; do sleep 0.1; n=$((n+1)); done"
    running = subprocess.Popen(
        [sys.executable, "-m", "hostpool", "run", "--cron", "n", *options, "-i", inventory, "web1", command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until(began.exists, seconds=20)
        yield running
    finally:
        go.touch()
        running.communicate(timeout=100)


def test_a_second_run_is_skipped_in_silence(
    hostpool: Hostpool, environment: dict[str, str], inventory: str, workdir: Path
) -> None:
    command = "run", "--cron", "n", "-i", inventory, "all", "true"
    with holding(environment, inventory, workdir / "go"):
        assert hostpool(*command) == Ended(75, "", "")
        assert hostpool("run", "--cron", "other", "-i", inventory, "all", "true").code == 0
    assert hostpool(*command).code == 0


def test_a_killed_holder_frees_the_lock(
    hostpool: Hostpool, environment: dict[str, str], inventory: str, workdir: Path
) -> None:
    with holding(environment, inventory, workdir / "go") as running:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert hostpool("run", "--cron", "n", "-i", inventory, "all", "true").code == 0


def is_locked(file: Path) -> bool:
    """Without trying it, which would be in the way (proc_locks(5))."""
    return any(f":{file.stat().st_ino} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_one_waits(
    hostpool: Hostpool, environment: dict[str, str], inventory: str, workdir: Path, state: Path
) -> None:
    wait = "run", "--cron", "n", "--overlap", "wait", "-i", inventory
    with holding(environment, inventory, workdir / "go"):
        assert hostpool(*wait, "--deadline", "500ms", "all", "true").code == 75, (
            "it waits no longer than that"
        )
        with waiting(environment, inventory) as first:
            wait_until(lambda: is_locked(state / "cron/n.queue"), what="the first waits")
            assert first.poll() is None
            assert hostpool(*wait, "all", "true").code == 75, "of several that wait, one does"
            (workdir / "go").touch()
            assert first.wait(60) == 0


@contextmanager
def waiting(environment: dict[str, str], inventory: str) -> Iterator[subprocess.Popen[bytes]]:
    words = "run", "--cron", "n", "--overlap", "wait", "-i", inventory, "all", "true"
    process = subprocess.Popen([sys.executable, "-m", "hostpool", *words], env=environment)
    try:
        yield process
    finally:
        process.wait(60)


def test_it_can_be_ended_by_the_next(
    hostpool: Hostpool, environment: dict[str, str], inventory: str, workdir: Path
) -> None:
    with holding(environment, inventory, workdir / "go") as running:
        ended = hostpool("run", "--cron", "n", "--overlap", "kill", "-i", inventory, "all", "true")
        assert ended.code == 0
        assert running.wait(60) == 143
        assert last_run_of(hostpool, 1)["interrupted"] == "SIGTERM"


def last_run_of(hostpool: Hostpool, number: int) -> dict[str, object]:
    runs = json.loads(hostpool("history", "-o", "json").out)
    return next(run for run in runs if run["run"] == number)


def test_a_holder_that_is_overdue_is_told_once(
    hostpool: Hostpool, environment: dict[str, str], inventory: str, workdir: Path, state: Path
) -> None:
    command = "run", "--cron", "n", "-i", inventory, "all", "true"
    with holding(environment, inventory, workdir / "go") as running:
        said = {"process": identity(running.pid), "started": time.time() - 7200, "deadline": 3600}
        (state / "cron/n.lock").write_text(json.dumps(said))
        first, second = hostpool(*command), hostpool(*command)
    assert (first.code, second.code) == (75, 75)
    assert first.out.startswith("hostpool n: a run has been going on for 2:00:0")
    assert f"process {running.pid} on " in first.out
    assert (second.out, second.err) == ("", "")


def test_it_ends_at_its_deadline(hostpool: Hostpool, inventory: str, file: Path) -> None:
    ended = hostpool("run", "--cron", "n", "--deadline", "1s", "-i", inventory, "web1", "exec sleep 20")
    assert ended.code == 5 and "timeout" in ended.out.splitlines()[0]


def test_jitter_waits_before_the_lock(hostpool: Hostpool, inventory: str) -> None:
    assert hostpool("run", "--cron", "n", "--jitter", "50ms", "-i", inventory, "all", "true") == Ended(
        0, "", ""
    )


def bare(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As cron starts a program: no terminal, no agent, hardly a variable."""
    return subprocess.run(
        [sys.executable, "-m", "hostpool", *words],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOSTPOOL_SYSLOG": "off", **variables},
        cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True,
        timeout=100,
    )  # fmt: skip


def test_without_a_home(inventory: str, tmp_path: Path) -> None:
    variables = {"HOSTPOOL_STATE_DIR": str(tmp_path / "state"), "HOSTPOOL_CONFIG": "/dev/null"}
    done = bare("run", "--cron", "n", "-i", inventory, "all", "false", **variables)
    assert done.returncode == 3 and done.stderr == ""
    assert done.stdout.startswith("hostpool n: 3 of 3 hosts failed: web[1-3]\n")
    assert "(run 1)" in done.stdout
    assert (tmp_path / "state/history.sqlite3").exists()


def test_without_a_place_for_its_state(inventory: str, tmp_path: Path) -> None:
    place = {"HOSTPOOL_STATE_DIR": "/proc/nowhere", "HOSTPOOL_CONFIG": "/dev/null", "TMPDIR": str(tmp_path)}
    first = bare("run", "--cron", "n", "-i", inventory, "all", "false", **place)
    assert first.returncode == 3 and "3 of 3 hosts failed" in first.stdout
    assert "history cannot be opened" in first.stdout and "the run was not recorded" not in first.stderr
    second = bare("run", "--cron", "n", "-i", inventory, "all", "false", **place)
    assert (second.returncode, second.stdout, second.stderr) == (3, "", "")


def test_secrets_are_masked_in_the_report(hostpool: Hostpool, inventory: str, workdir: Path) -> None:
    password = workdir / "password"
    password.write_text("correct-horse\n")
    password.chmod(0o600)
    ended = hostpool(
        "run", "--cron", "n", "-i", inventory, "--become-password-file", str(password), "all",
        "echo correct-horse; exit 1",
    )  # fmt: skip
    assert ended.code == 3 and "correct-horse" not in ended.out and "********" in ended.out


def test_jobs_are_listed(hostpool: Hostpool, inventory: str) -> None:
    assert "no run with --cron yet" in hostpool("cron", "list").err
    hostpool("run", "--cron", "disk", "-i", inventory, "all", "true")
    hostpool("run", "--cron", "disk", "-i", inventory, "all", "false")
    hostpool("ping", "--cron", "alive", "-i", inventory, "all")
    listed = hostpool("cron", "list").out.splitlines()
    assert listed[0].split() == ["NAME", "LAST", "TOOK", "CODE", "NEXT", "OUTCOME"]
    assert [line.split()[0] for line in listed[1:]] == ["alive", "disk"]
    assert listed[2].endswith("3 of 3 hosts failed: web[1-3]")
    jobs = json.loads(hostpool("cron", "list", "-o", "json").out)
    assert jobs[1]["name"] == "disk" and jobs[1]["exit_code"] == 3 and jobs[1]["run"] == "2"
    assert jobs[1]["next_expected"] > jobs[1]["last_started"]


def test_the_job_is_named_in_the_history(hostpool: Hostpool, inventory: str, file: Path) -> None:
    hostpool("run", "--cron", "disk", "-i", inventory, "all", "true")
    assert last_run(file).name == "disk"
