"""The main job on two hundred addresses of one sshd, and what it must not cost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from hostpool.events import RunFinished
from hostpool.results import HostResult
from tests.cli.conftest import Hostpool
from tests.farm import Sshd, wait_until

_RUN = (sys.executable, "-m", "hostpool", "run", "-i")


def test_two_hundred_hosts_all_answer(hostpool: Hostpool, sshd: Sshd, tmp_path: Path) -> None:
    inventory = sshd.inventory(200, tmp_path / "hosts.ini")
    ended = hostpool("run", "-i", str(inventory), "-o", "jsonl", "all", "true", timeout=90)
    assert ended.code == 0 and ended.err == ""
    finished = [event for event in ended.events if isinstance(event, HostResult)]
    assert sorted(result.host for result in finished) == [f"h{n:03}" for n in range(1, 201)]
    assert {result.status for result in finished} == {"ok"}
    last = ended.events[-1]
    assert isinstance(last, RunFinished) and last.counts["ok"] == 200


def test_the_parent_of_a_run_imports_neither_paramiko_nor_jinja2(
    sshd: Sshd, tmp_path: Path, environment: dict[str, str], workdir: Path
) -> None:
    inventory = sshd.inventory(2, tmp_path / "hosts.ini")
    code = (
        "import sys; from hostpool.__main__ import main; code = main(); "
        "bad = {'paramiko', 'jinja2', 'cryptography', 'rich'} & set(sys.modules); "
        "sys.exit(f'imported {bad}' if bad or code else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "run", "-i", str(inventory), "all", "true"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr


def _peak_memory_kb(pid: int) -> int:
    """0 of one that has ended: its memory is given back while its last words still stand in the pipe."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) if found else 0


def test_two_hundred_megabytes_do_not_go_through_the_parents_memory(
    sshd: Sshd, tmp_path: Path, environment: dict[str, str], workdir: Path
) -> None:
    inventory = sshd.inventory(1, tmp_path / "hosts.ini")
    args = [*_RUN, str(inventory), "all"]
    command = "head -c 200000000 /dev/zero | tr '\\0' 'x' | fold -w 99; sleep 2"
    for more in ((), ("--stream",)):
        with subprocess.Popen(
            [*args, *more, command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            peak = 0
            while os.read(process.stdout.fileno(), 1 << 20):
                peak = max(peak, _peak_memory_kb(process.pid))
            assert process.wait(60) == 0
        assert 0 < peak < 30_000 + 50_000


def test_a_paused_reader_times_nobody_out(
    sshd: Sshd, tmp_path: Path, environment: dict[str, str], workdir: Path
) -> None:
    """Longer than the task's own limit: the time in which nobody reads is not the host's."""
    inventory = sshd.inventory(3, tmp_path / "hosts.ini")
    command = "yes 0123456789012345678901234567890123456789 | head -n 400000"
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hostpool",
            "run",
            "-i",
            str(inventory),
            "--stream",
            "--task-timeout",
            "6",
            "--silence-timeout",
            "5",
            "all",
            command,
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        size = len(os.read(process.stdout.fileno(), 1000))
        time.sleep(9)
        while piece := os.read(process.stdout.fileno(), 1 << 20):
            size += len(piece)
        words = process.stderr.read().decode()
        assert process.wait(60) == 0, words
    assert "3 ok" in words and size > 3 * 400_000 * 41


def test_interrupts_are_gentle_then_firm_and_every_host_is_reported(
    sshd: Sshd, tmp_path: Path, environment: dict[str, str], workdir: Path
) -> None:
    inventory = sshd.inventory(6, tmp_path / "hosts.ini")
    marks = tmp_path / "marks"
    marks.mkdir()
    out = tmp_path / "out"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hostpool",
                "run",
                "-i",
                str(inventory),
                "-f",
                "3",
                "-o",
                "jsonl",
                "all",
                f"touch {marks}/$$; sleep 61.5",
            ],
            env=environment,
            stdout=stream,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            wait_until(lambda: len(list(marks.iterdir())) == 3, seconds=30)
            process.send_signal(signal.SIGINT)
            time.sleep(1.0)
            assert process.poll() is None, "a first Ctrl-C lets running hosts finish"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
            assert process.stderr is not None
            process.stderr.close()
    from hostpool.events import from_json

    events = [from_json(line) for line in out.read_text().splitlines()]
    results = [event for event in events if isinstance(event, HostResult)]
    assert sorted(result.host for result in results) == [f"h{n:03}" for n in range(1, 7)]
    statuses = [result.status for result in results]
    assert statuses.count("cancelled") == 3 and statuses.count("not_run") == 3
    assert not _sleepers()


def _sleepers() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", b"61.5"] and entry.stat().st_uid == os.getuid():
            found.append(entry.name)
    return found
