"""How many processes, how many hosts at once, who runs where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hostpool import Command, HostPool
from tests.farm import wait_until
from tests.patience import AMPLE
from tests.pool.conftest import local_inventory
from tests.pool.initializers import Pid, note_pid, remember


def test_thirty_jobs_run_in_three_processes_and_no_more(pool: HostPool) -> None:
    results = pool.map("all", Command("sleep 0.05; echo $PPID"))
    assert [result.status for result in results] == ["ok"] * 30
    assert len({result.stdout for result in results}) == 3
    assert {int(result.stdout) for result in results} == set(pool.pids())


def test_the_fourth_job_waits_while_three_places_are_taken(tmp_path: Path, pool: HostPool) -> None:
    going = tmp_path / "go"
    wait = Command(f"echo started; until [ -e {going} ]; do sleep 0.02; done")
    held = [pool.apply_async(f"h{number}", wait) for number in (1, 2, 3)]
    fourth = pool.apply_async("h4", Command("true"))
    fourth.wait(0.7)
    assert not fourth.ready() and not any(result.ready() for result in held)
    going.touch()
    assert fourth.get(60).status == "ok"
    assert all(result.get(60).status == "ok" for result in held)


def test_the_initializer_runs_once_in_each_process(tmp_path: Path, thirty: str) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with HostPool(thirty, workers=3, fanout=3, initializer=note_pid, initargs=[str(notes)]) as pool:
        pids = {result.result["pid"] for result in pool.map("all", Pid()) if result.result}
    files = list(notes.iterdir())
    assert {int(file.name) for file in files} >= pids and len(files) <= 3
    assert [file.read_text() for file in files] == ["initialized\n"] * len(files)


def test_what_the_initializer_prepared_is_there_for_every_job(thirty: str) -> None:
    with HostPool(thirty, workers=2, initializer=remember, initargs=("a", "b")) as pool:
        results = pool.map("h[1-4]", Pid())
    assert all(result.result is not None and result.result["seen"] == ["a", "b"] for result in results)


def test_workers_start_on_demand(thirty: str) -> None:
    with HostPool(thirty, workers=3, fanout=3) as pool:
        assert pool.pids() == []
        for _ in range(4):
            assert pool.apply("h1", Command("true")).ok
        assert len(pool.pids()) == 1


def test_min_workers_are_there_before_the_first_job(thirty: str) -> None:
    with HostPool(thirty, workers=3, min_workers=2) as pool:
        wait_until(lambda: len(pool.pids()) >= 2, seconds=AMPLE)
        first = set(pool.pids())
        assert len(first) == 2
        assert pool.apply("h1", Command("true")).ok
        assert set(pool.pids()) == first


def test_jobs_of_one_host_run_one_after_another_in_order(tmp_path: Path, pool: HostPool) -> None:
    log = tmp_path / "log"
    jobs = [
        pool.apply_async("h1", Command(f"echo start {n} >> {log}; sleep 0.1; echo end {n} >> {log}"))
        for n in range(4)
    ]
    assert all(job.get(60).ok for job in jobs)
    assert log.read_text() == "".join(f"start {n}\nend {n}\n" for n in range(4))


def test_a_worker_multiplexes_its_share_of_the_fanout(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "ten.ini", 10)
    with HostPool(inventory, workers=2, fanout=10) as pool:
        here = tmp_path / "here"
        here.mkdir()
        # Each waits for the nine others.
        wait = f"until [ $(ls {here} | wc -l) = 10 ]; do sleep 0.1; done"
        task = Command(f"touch {here}/$$; {wait}; echo $PPID")
        results = pool.map("all", task)
    assert len({result.stdout for result in results}) == 2


def test_open_files_bound_the_fanout_and_that_is_said() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (94, 94))\n"
        "from hostpool.pool import HostPool\n"
        "pool = HostPool('n[1-100],', workers=2, fanout=50)\n"
        "for count in (20, 21): print(pool.prepare([f'n{n}' for n in range(1, count + 1)]))\n"
        "pool.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    few, many = done.stdout.splitlines()
    assert few == "()"
    assert "20 hosts at the same time instead of 50" in many and "94 files" in many
