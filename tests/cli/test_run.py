"""Commands against a real sshd, in a process of their own, through the whole of hostpool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hostpool.events import HostFinished, RunFinished, RunStarted
from tests.cli.conftest import Ended, Hostpool
from tests.farm import Refusing, Sshd


@pytest.fixture
def farm(sshd: Sshd, workdir: Path) -> Path:
    """Four hosts, h001 to h004, in ./inventories."""
    directory = workdir / "inventories"
    directory.mkdir()
    return sshd.inventory(4, directory / "hosts.ini")


def results(ended: Ended) -> dict[str, HostFinished]:
    return {event.host: event for event in ended.events if isinstance(event, HostFinished)}


def test_every_host_is_in_the_events_once(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "-o", "jsonl", "all", "echo", "a  b", "$HOME;", "exit 0")
    assert ended.code == 0, ended
    first, *_, last = ended.events
    assert isinstance(first, RunStarted) and isinstance(last, RunFinished)
    assert first.hosts == ("h001", "h002", "h003", "h004")
    assert first.task == "echo a  b $HOME; exit 0"
    assert first.argv[:3] == ("hostpool", "run", "-o")
    finished = [event.host for event in ended.events if isinstance(event, HostFinished)]
    assert sorted(finished) == list(first.hosts)
    assert last.counts["ok"] == 4 and last.exit_code == 0
    assert all(result.stdout.startswith("a b /") for result in results(ended).values())


def test_plain_output_is_folded_and_prefixed(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "farm", "echo same; echo other >&2")
    assert ended.code == 0
    assert "same" in ended.out
    assert "4 ok" in ended.err
    assert hostpool("run", "h001", "-N", "echo x").out == "x\n"


def test_exit_codes(farm: Path, hostpool: Hostpool) -> None:
    only_h1 = 'case $SSH_CONNECTION in *" 127.0.1.1 "*) exit 7;; esac'
    assert hostpool("run", "all", only_h1).code == 3
    assert hostpool("run", "all", "-S", only_h1).code == 7
    assert hostpool("run", "all", "--ok-codes", "0,7", only_h1).code == 0
    assert hostpool("run", "all", "--changed-code", "7", "--changed-exit-code", only_h1).code == 6
    with Refusing() as refusing, farm.open("a") as file:
        file.write(f"\n[gone]\ngone ansible_host=127.0.0.1 ansible_port={refusing.port}\n")
        file.flush()
        ended = hostpool("run", "all", "--retries", "0", only_h1)
    assert ended.code == 4
    assert "refused" in ended.err


def test_the_largest_code_is_in_the_events_too(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "all", "-S", "-o", "jsonl", "exit 9")
    assert ended.code == 9
    last = ended.events[-1]
    assert isinstance(last, RunFinished) and last.exit_code == 9


def test_json_is_one_document(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("ping", "all", "-o", "json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert set(document["hosts"]) == {"h001", "h002", "h003", "h004"}
    assert document["hosts"]["h001"]["result"] == {"ping": "pong"}


def test_check_mode_sends_nothing(farm: Path, workdir: Path, hostpool: Hostpool) -> None:
    trace = workdir / "trace"
    ended = hostpool("run", "all", "-C", "-o", "jsonl", f"touch {trace}")
    assert ended.code == 0
    assert not trace.exists()
    assert all(each.status == "skipped" and each.would_run for each in results(ended).values())


def test_environment_directory_and_stdin(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool(
        "run", "h001", "-N", "--env", "A=it's", "--chdir", "/", "--stdin", 'pwd; echo "$A"; cat', stdin="in\n"
    )
    assert ended.out == "/\nit's\nin\n"
    assert hostpool("run", "h001", "-N", "cat; echo end", stdin="ours\n").out == "end\n"


def test_substitution(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "all", "-o", "jsonl", "--subst", "echo", "%n %h %% {{ ansible_port }}", "%x")
    found = {host: result.stdout for host, result in results(ended).items()}
    port = farm.read_text().partition("ansible_port=")[2].split()[0]
    assert found["h002"] == f"h002 127.0.1.2 % {port} %x\n"
    assert hostpool("run", "h001", "-N", "echo", "%n {{x}}").out == "%n {{x}}\n"


def test_a_script_is_shipped_run_and_removed(farm: Path, workdir: Path, hostpool: Hostpool) -> None:
    script = workdir / "hello.sh"
    script.write_text('#!/bin/sh\necho "$0 $1 $#"\ncat\nexit 3\n')
    ended = hostpool("script", "h001", "-N", "--stdin", str(script), "two words", "-f", stdin="input\n")
    assert ended.code == 3
    place, rest = ended.out.split(" ", 1)
    assert place.endswith("/hello.sh")
    assert rest == "two words 2\ninput\n"
    assert not Path(place).exists()


def test_batches_and_max_fail(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "all", "--batch", "1", "-o", "jsonl", "false")
    assert ended.code == 5
    assert [results(ended)[host].status for host in ("h001", "h002", "h003", "h004")] == [
        "failed", "not_run", "not_run", "not_run",
    ]  # fmt: skip
    assert hostpool("run", "all", "--max-fail", "100%", "--batch", "2,50%", "false").code == 3


def test_the_deadline_ends_the_run(farm: Path, hostpool: Hostpool) -> None:
    ended = hostpool("run", "all", "-f", "2", "--deadline", "3", "-o", "jsonl", "sleep 60")
    assert ended.code == 5
    assert len(results(ended)) == 4


def test_settings_from_file_and_environment_reach_the_run(
    farm: Path, tmp_home: Path, hostpool: Hostpool
) -> None:
    directory = tmp_home / ".config/hostpool"
    directory.mkdir(exist_ok=True)
    (directory / "config.toml").write_text('output = "jsonl"\ntask-timeout = 60\n')
    assert hostpool("run", "h001", "true").events
    assert hostpool("run", "h001", "-o", "plain", "echo x").out == "h001: x\n"
    ended = hostpool("run", "h001", "sleep 20", HOSTPOOL_TASK_TIMEOUT="500ms")
    assert ended.code == 3
    assert results(ended)["h001"].status == "timeout"


def test_a_password_of_the_inventory_is_masked(farm: Path, hostpool: Hostpool) -> None:
    with farm.open("a") as file:
        file.write("\n[all:vars]\nansible_become_password=correct-horse\n")
    for view in ("plain", "jsonl"):
        ended = hostpool("run", "h001", "-o", view, "echo correct-horse")
        assert "correct-horse" not in ended.out + ended.err
        assert "********" in ended.out


def test_a_reader_that_leaves_does_not_stop_the_run(
    farm: Path, workdir: Path, environment: dict[str, str]
) -> None:
    command = f"seq 20000; touch {workdir}/done.\\$\\$"
    line = f'"{sys.executable}" -m hostpool run all --stream "{command}" | head -n 1'
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr and "bug" not in done.stderr
    assert len(list(workdir.glob("done.*"))) == 4


def test_a_full_disk_is_said(farm: Path, environment: dict[str, str], workdir: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hostpool", "run", "all", "-o", "jsonl", "echo x"],
            stdout=full, stderr=subprocess.PIPE, env=environment, text=True, timeout=100,
        )  # fmt: skip
    assert done.returncode == 1
    assert "could not be written: No space left on device" in done.stderr
