"""The sink and the file: states as they change, many writers, what is wrong with the file, forgetting."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from pathlib import Path

import msgspec
import pytest

from hostpool.errors import HostpoolError
from hostpool.events import Event, HostStarted, PlayStarted, RunFinished, TaskFinished, TaskStarted
from hostpool.history import FILE_NAME, About, History, HistoryError, Limits, Query, Recorder, prune
from hostpool.history.records import Step, compressed, decompressed
from hostpool.results import HostResult, counts_of
from tests.farm.processes import wait_until

ABOUT = About(command="run", task="uptime", pattern="web", user="me", sudo_user="you", name="job")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / FILE_NAME


def record(file: Path, *hosts: str, status: str = "ok", about: About = ABOUT, output: str = "out\n") -> int:
    recorder = Recorder(file, about)
    run = recorder.begin(hosts)
    results = [
        HostResult(ts=time.time(), host=host, status=status, stdout=output)  # type: ignore[arg-type]  # a status
        for host in hosts
    ]
    for result in results:
        recorder.handle(result)
    recorder.handle(
        RunFinished(ts=time.time(), run=str(run), counts=counts_of(results), duration=0.5, exit_code=0)
    )
    recorder.close()
    return run


def test_a_run_with_all_its_hosts_is_there_before_anything_happened(file: Path) -> None:
    recorder = Recorder(file, ABOUT)
    number = recorder.begin(["web1", "web2", "web3"])
    with History(file) as history:
        run = history.run(number)
        assert run.alive and run.exit_code is None and run.counts["not_run"] == 3
        assert [result.host for result in history.results(run)] == ["web1", "web2", "web3"]
    recorder.handle(HostStarted(ts=time.time(), host="web2"))
    recorder.handle(HostResult(ts=time.time(), host="web3", status="failed", exit_code=2))

    def states() -> list[tuple[str, bool]]:
        with History(file) as history:
            return [(each.status, each.still_running) for each in history.results(history.run(number))]

    wait_until(lambda: states() == [("not_run", False), ("lost", True), ("failed", False)], seconds=30)
    recorder.close()
    assert (run.user, run.sudo_user, run.name, run.task) == ("me", "you", "job", "uptime")


def test_what_ended_has_its_results(file: Path) -> None:
    number = record(file, "web1", "web2")
    with History(file) as history:
        run = history.run()
        assert (run.run, run.exit_code, run.alive, run.counts["ok"]) == (number, 0, False, 2)
        assert [result.stdout for result in history.results(run)] == ["out\n", "out\n"]
        assert [result.host for result in history.results(run, "web2")] == ["web2"]


def test_nobody_else_can_read_it(file: Path) -> None:
    record(file, "web1")
    recorder = Recorder(file, ABOUT)
    recorder.begin(["web1"])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    recorder.close()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_names_and_texts_of_any_kind(file: Path) -> None:
    hosts = ["web1", "'; DROP TABLE host; --", "../../etc", "\udcff", "a\0b", "é", "*"]
    about = About(command="run", task="echo '\udcff\0", pattern="\udcff", user="me")
    record(file, *hosts, about=about, output="\ud800\x1b[2J\0")
    with History(file) as history:
        results = list(history.results(history.run()))
        assert len(results) == len(hosts)
        assert history.last_of("*").run == 1
        with pytest.raises(HistoryError):
            history.last_of("web?")


def test_many_writers_wait_for_each_other(file: Path) -> None:
    numbers: list[int] = []
    errors: list[BaseException] = []

    def write() -> None:
        try:
            numbers.extend(record(file, *(f"web{n}" for n in range(20))) for _ in range(3))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(numbers) == list(range(1, 25))
    with History(file) as history:
        assert [run.counts["ok"] for run in history.runs(Query())] == [20] * 24


def test_queries(file: Path) -> None:
    record(file, "web1", "web2")
    record(
        file, "db1", status="failed", about=About(command="script", task="fix.sh -a", pattern="", user="x")
    )
    begun = Recorder(file, ABOUT)
    begun.begin(["web9"])
    begun.handle(HostStarted(ts=1.0, host="web9"))
    begun.close()
    with History(file) as history:

        def found(**query: object) -> list[int]:
            return [run.run for run in history.runs(Query(**query))]  # type: ignore[arg-type]  # its fields

        assert found() == [3, 2, 1]
        assert found(limit=1) == [3]
        assert found(host="web1") == [1] and found(host="web*") == [3, 1] and found(host="we") == []
        assert found(status="failed") == [2] and found(status="ok") == [1]
        assert found(status="lost") == [3]
        assert found(command="FIX.SH") == [2] and found(command="script") == [2]
        assert found(name="job") == [3, 1] and found(name="jo") == []
        assert found(since=time.time() + 5) == [] and found(since=time.time() - 60) == [3, 2, 1]


def test_a_damaged_file_is_said_and_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this was a database once" * 200)
    before = file.read_bytes()
    for attempt in (lambda: Recorder(file, ABOUT).begin(["h"]), lambda: History(file)):
        with pytest.raises(HistoryError) as caught:
            attempt()
        assert "damaged" in caught.value.message and caught.value.hint and "mv " in caught.value.hint
    assert file.read_bytes() == before


def test_pages_that_are_damaged_are_told_by_the_recorder_not_raised(file: Path) -> None:
    for _ in range(30):
        record(file, *(f"web{n}" for n in range(50)), output=os.urandom(600).hex())
    sqlite3.connect(file).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\xff" * (size - 16384))
    told: list[HostpoolError] = []
    recorder = Recorder(file, ABOUT, warn=told.append)
    try:
        recorder.begin(["web1"])
        recorder.handle(HostResult(ts=1.0, host="web1", status="ok"))
    except HistoryError as error:
        told.append(error)
    recorder.close()
    assert len(told) == 1


def test_a_newer_layout_is_left_alone(file: Path) -> None:
    record(file, "web1")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for attempt in (lambda: Recorder(file, ABOUT).begin(["h"]), lambda: History(file)):
        with pytest.raises(HistoryError, match="newer"):
            attempt()


def test_an_older_layout_is_brought_up_to_date(file: Path) -> None:
    record(file, "web1")
    connection = sqlite3.connect(file)
    connection.executescript("DROP TABLE step; DROP TABLE left_over; PRAGMA user_version = 1")
    connection.close()
    with History(file) as history:
        run = history.run()
        assert list(history.steps(run)) == [] and run.counts["ok"] == 1
    assert record(file, "web1") == 2


def test_the_tasks_of_a_playbook_are_kept_and_hosts_that_join_it(file: Path) -> None:
    recorder = Recorder(file, ABOUT)
    recorder.begin(["web1"])
    steps: list[Event] = [
        PlayStarted(ts=1.0, play="p", hosts=("web1",)),
        TaskStarted(ts=1.0, play="p", task="t"),
        TaskFinished(ts=1.0, host="web1", play="p", task="t", status="ok", result={"msg": "x"}),
        TaskFinished(ts=1.0, host="web1", play="p", task="u", status="ok", result={"msg": "x" * 70_000}),
    ]
    for step in steps:
        recorder.handle(step)
    for host in ("web1", "new1"):
        recorder.handle(HostResult(ts=1.0, host=host, status="ok"))
    recorder.handle(RunFinished(ts=1.0, run="1", counts=counts_of([]), duration=1.0, exit_code=0))
    with History(file) as history:
        run = history.run()
        kept = list(history.steps(run))
        assert kept[:3] == steps[:3]
        assert isinstance(kept[3], TaskFinished) and kept[3].result is None
        assert history.names(run) == ["web1", "new1"] and run.hosts == 2


def test_nothing_was_ever_written(file: Path) -> None:
    with History(file) as history:
        assert history.runs(Query()) == []
        with pytest.raises(HistoryError, match="empty"):
            history.run()
    assert prune(file, Limits()) == (0, 0)
    assert not file.parent.exists()


def test_old_runs_are_forgotten(file: Path) -> None:
    for _ in range(4):
        record(file, "web1")
    age(file, 3, days=40)
    assert prune(file, Limits())[0] == 3
    with History(file) as history:
        assert [run.run for run in history.runs(Query())] == [4]
        assert len(list(history.results(history.run()))) == 1
    record(file, "web1")
    with History(file) as history:
        assert history.run().run == 5, "numbers are not given twice"


def test_it_gets_small_again(file: Path) -> None:
    for _ in range(12):
        record(file, *(f"web{n}" for n in range(40)), output=os.urandom(2000).hex())
    forgotten, size = prune(file, Limits(max_size=600_000))
    assert 0 < forgotten < 12 and size <= 600_000
    assert file.stat().st_size <= 700_000


def test_a_run_forgets_by_itself_but_not_itself(file: Path) -> None:
    for _ in range(3):
        record(file, "web1")
    age(file, 3, days=40)
    recorder = Recorder(file, ABOUT, limits=Limits(keep=3600, max_size=1))
    number = recorder.begin(["web1"])
    recorder.handle(HostResult(ts=1.0, host="web1", status="ok"))
    recorder.handle(RunFinished(ts=1.0, run="4", counts=counts_of([]), duration=1.0, exit_code=0))
    with History(file) as history:
        assert [run.run for run in history.runs(Query())] == [number]


def age(file: Path, upto: int, *, days: float) -> None:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE run SET started = started - ? WHERE id <= ?", (days * 86400, upto))
    connection.commit()
    connection.close()


def test_a_thousand_runs_of_two_hundred_hosts(file: Path) -> None:
    record(file, *(f"web{n}" for n in range(200)), output=os.urandom(500).hex())
    connection = sqlite3.connect(file)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO run"
        " SELECT i, started, finished, duration, user, sudo_user, machine, process, command, task, pattern,"
        " name, again, hosts, counts, exit_code, interrupted FROM n, run"
    )
    connection.execute(
        "INSERT INTO host SELECT run.id * 16777216 + (host.id & 16777215), host.name, status, since, record"
        " FROM run, host WHERE run.id > 1"
    )
    connection.commit()
    connection.close()
    assert file.stat().st_size < 200_000_000
    queries = (Query(), Query(limit=20), Query(host="web17", limit=20), Query(status="failed", limit=20))
    for query in queries:
        assert min(timed(file, query) for _ in range(3)) < 3, query


def timed(file: Path, query: Query) -> float:
    began = time.process_time()
    with History(file) as history:
        history.runs(query)
    return time.process_time() - began


def ended(number: int, size: int = 10) -> TaskFinished:
    return TaskFinished(
        ts=1.0,
        host=f"web{number}",
        play="p",
        task=f"task {number}",
        status="ok",
        result={"msg": "é\n" * size},
    )


def test_what_happened_is_there_while_the_run_goes_on(file: Path) -> None:
    """So that it is there as well when nobody is left to close anything."""
    recorder = Recorder(file, ABOUT)
    recorder.begin(["web1"])
    steps: list[Step] = [ended(number) for number in range(30)]

    def kept() -> list[Step]:
        with History(file) as history:
            return list(history.steps(history.run()))

    for some in (steps[:10], steps[10:20], steps[20:]):
        for step in some:
            recorder.handle(step)
        wait_until(lambda last=some[-1]: last in kept(), seconds=30)  # type: ignore[misc]  # mypy does not type lambda defaults
    assert kept() == steps
    recorder.close()


def test_tasks_that_come_faster_than_they_are_written(file: Path) -> None:
    """While another run holds the file they wait as records of a bounded size."""
    recorder = Recorder(file, ABOUT)
    recorder.begin([f"web{number}" for number in range(60)])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    steps = [ended(number, 10_000) for number in range(60)]
    for step in steps:
        recorder.handle(step)
    other.execute("COMMIT")
    recorder.close()
    with History(file) as history:
        assert list(history.steps(history.run())) == steps
    sizes = [len(decompressed(record)) for (record,) in other.execute("SELECT record FROM step")]
    other.close()
    assert len(sizes) > 1 and max(sizes) < 350_000


def test_records_of_one_task_each_are_still_shown(file: Path) -> None:
    """As layout 3 wrote them."""
    record(file, "web1")
    steps: list[Step] = [TaskStarted(ts=1.0, play="p", task="t"), ended(1), ended(2)]
    connection = sqlite3.connect(file)
    connection.executemany(
        "INSERT INTO step (run, record) VALUES (1, ?)", [(compressed(msgspec.json.encode(s)),) for s in steps]
    )
    connection.executescript("PRAGMA user_version = 3")
    connection.close()
    with History(file) as history:
        assert list(history.steps(history.run())) == steps
    assert record(file, "web1") == 2
