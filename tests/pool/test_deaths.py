"""Whatever dies, every job gets its one result and the others never notice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hostpool import Command, HostPool, Settings
from hostpool.pool import crew, workers
from tests.farm import alive, wait_until
from tests.patience import AMPLE, promptly
from tests.pool.conftest import local_inventory


def _started(pool: HostPool, count: int) -> set[int]:
    wait_until(lambda: len(pool.pids()) == count, seconds=20)
    return set(pool.pids())


def test_a_killed_worker_costs_only_what_it_was_running(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "many.ini", 12)
    with HostPool(inventory, workers=2, fanout=4) as pool:
        started = tmp_path / "started"
        started.mkdir()
        task = Command(f"echo $PPID > {started}/$$.part; mv {started}/$$.part {started}/$$.pid; sleep 2")
        results = [pool.apply_async(f"h{number}", task) for number in range(1, 13)]
        wait_until(lambda: len(list(started.glob("*.pid"))) >= 4, seconds=20)
        victim = int(next(started.glob("*.pid")).read_text())
        os.kill(victim, signal.SIGKILL)
        done = [result.get(60) for result in results]
    statuses = [result.status for result in done]
    lost = [result for result in done if result.status == "lost"]
    assert statuses.count("ok") + len(lost) == 12 and 1 <= len(lost) <= 2
    for result in lost:
        assert result.error is not None and result.error.kind == "worker_died" and result.error.hint
    assert victim not in pool.pids()


def test_what_had_not_started_on_a_killed_worker_runs_elsewhere(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "few.ini", 6)
    with HostPool(inventory, workers=1, fanout=1) as pool:
        began, go = tmp_path / "began", tmp_path / "go"
        hanging = pool.apply_async("h1", Command(f"touch {began}; until [ -e {go} ]; do sleep 0.1; done"))
        waiting = [pool.apply_async(f"h{number}", Command("true")) for number in range(2, 7)]
        (pid,) = _started(pool, 1)
        wait_until(began.exists, seconds=AMPLE)
        os.kill(pid, signal.SIGKILL)
        assert hanging.get(60).status == "lost"
        assert [result.get(60).status for result in waiting] == ["ok"] * 5
        assert pool.pids() != [pid]
        go.touch()


def test_a_stopped_worker_holds_up_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SUSPECT_AFTER", 1.0)
    monkeypatch.setattr(workers, "HUNG_AFTER", 6.0)
    monkeypatch.setattr(crew, "HUNG_AFTER", 6.0)
    inventory = local_inventory(tmp_path / "many.ini", 40)
    with HostPool(inventory, workers=2, fanout=4) as pool:
        first = [pool.apply_async(f"h{number}", Command("sleep 0.8")) for number in (1, 2)]
        pids = _started(pool, 2)
        time.sleep(0.4)
        stopped = min(pids)
        os.kill(stopped, signal.SIGSTOP)
        rest = [pool.apply_async(f"h{number}", Command("true")) for number in range(3, 41)]
        done = [result.get(60) for result in rest]
        assert [result.status for result in done].count("ok") >= 37
        lost = [result.get(60) for result in first if result.get(60).status == "lost"]
        assert len(lost) <= 1
        wait_until(lambda: not alive(stopped), seconds=20)


def test_a_stopped_pool_of_large_jobs_does_not_deadlock(tmp_path: Path) -> None:
    """More bytes than any pipe holds, to a worker that reads none of them."""
    inventory = local_inventory(tmp_path / "many.ini", 20)
    with HostPool(inventory, workers=2, fanout=20) as pool:
        assert all(result.ok for result in pool.map("h[1-4]", Command("sleep 0.3")))
        first, second = _started(pool, 2)
        os.kill(first, signal.SIGSTOP)
        big = Command("cat | wc -c", stdin=b"x" * 2_000_000)
        results = [pool.apply_async(f"h{number}", big) for number in range(1, 21)]
        wait_until(lambda: sum(result.ready() for result in results) >= 5, seconds=30)
        os.kill(first, signal.SIGCONT)
        assert all(result.get(60).stdout.strip() == "2000000" for result in results)
        assert second in pool.pids()


def test_the_parents_death_leaves_no_local_process(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "few.ini", 4)
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(f"""\
        from hostpool import Command, HostPool
        if __name__ == "__main__":
            pool = HostPool({inventory!r}, workers=2, fanout=4)
            results = [pool.apply_async(f"h{{n}}", Command("true")) for n in (1, 2, 3, 4)]
            print(*(result.get().status for result in results), *pool.pids(), flush=True)
            results = [pool.apply_async(f"h{{n}}", Command("sleep 8")) for n in (1, 2)]
            results[0].get()
        """)
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    words = parent.stdout.readline().split()
    pids = [int(word) for word in words[4:]]
    assert words[:4] == ["ok"] * 4 and len(pids) == 2
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not any(alive(pid) for pid in pids), seconds=30)


@pytest.mark.parametrize("guarded", [False, True])
def test_a_missing_main_guard_is_named(tmp_path: Path, guarded: bool) -> None:
    inventory = local_inventory(tmp_path / "few.ini", 2)
    body = [
        f"pool = HostPool({inventory!r}, workers=1)",
        "result = pool.apply('h1', Command('true'))",
        "print(result.status, result.error)",
        "pool.close(); pool.join()",
    ]
    if guarded:
        body = ["if __name__ == '__main__':", *("    " + line for line in body)]
    script = tmp_path / "main.py"
    script.write_text("\n".join(["from hostpool import Command, HostPool", *body]) + "\n")
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=100)
    if guarded:
        assert run.stdout == "ok None\n" and run.stderr == ""
    else:
        assert run.stdout.startswith("unreachable") and "__name__" in run.stdout
        assert "Traceback" not in run.stderr


def test_a_task_time_limit_ends_the_task_and_says_so(thirty: str) -> None:
    settings = Settings(task_timeout=1.0, kill_grace=1.0)
    with HostPool(thirty, workers=1, settings=settings) as pool:
        with promptly():
            result = pool.apply("h1", Command("echo begun; sleep 60"))
        assert result.status == "timeout" and result.error is not None
        assert result.error.kind == "task_timeout" and result.stdout == "begun\n"
        assert pool.apply("h2", Command("true")).ok


def test_silence_is_a_limit_of_its_own(thirty: str) -> None:
    settings = Settings(silence_timeout=1.0, kill_grace=1.0)
    with HostPool(thirty, workers=1, fanout=2, settings=settings) as pool:
        chatty = pool.apply_async("h1", Command("for i in 1 2 3 4 5; do echo $i; sleep 0.5; done"))
        mute = pool.apply_async("h2", Command("echo x; sleep 60"))
        assert chatty.get(60).ok
        result = mute.get(60)
        assert result.status == "timeout" and result.error is not None
        assert result.error.kind == "silence_timeout"
