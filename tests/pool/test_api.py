"""The vocabulary of multiprocessing.Pool, kept: results, callbacks, close, join, terminate."""

from __future__ import annotations

import builtins
import threading
from pathlib import Path

import pytest

import hostpool
from hostpool import Command, HostPool, HostResult
from hostpool.errors import InventoryError, PatternError, PoolClosedError, PoolError
from hostpool.events import HostStarted, Output
from tests.farm import wait_until
from tests.patience import AMPLE, promptly
from tests.pool.initializers import Buggy, Pid, Unpicklable, fail


def test_a_result_is_not_ready_then_ready_then_successful(pool: HostPool) -> None:
    result = pool.apply_async("h1", Command("sleep 0.5"))
    assert not result.ready()
    with pytest.raises(ValueError, match="not ready"):
        result.successful()
    with pytest.raises(hostpool.TimeoutError) as caught:
        result.get(0.01)
    assert isinstance(caught.value, builtins.TimeoutError)
    result.wait(60)
    assert result.ready() and result.successful() and result.get().exit_code == 0


def test_failures_are_data_never_raised(pool: HostPool) -> None:
    result = pool.apply_async("h1", Command("exit 7"))
    assert result.get(60).status == "failed" and result.get().exit_code == 7
    assert not result.successful()


def test_callbacks_get_good_results_and_error_callbacks_the_others(pool: HostPool) -> None:
    good: list[HostResult] = []
    bad: list[HostResult] = []
    threads: set[int] = set()

    def note(where: list[HostResult]) -> hostpool.pool.result.Callback:
        def callback(result: HostResult) -> None:
            where.append(result)
            threads.add(threading.get_ident())

        return callback

    for number in range(1, 7):
        pool.apply_async(f"h{number}", Command(f"exit {number % 2}"), note(good), note(bad))
    pool.close()
    pool.join()
    assert [result.status for result in good] == ["ok"] * 3
    assert [result.status for result in bad] == ["failed"] * 3
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_a_callback_that_fails_or_waits_for_the_pool_hurts_nobody(
    pool: HostPool, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[BaseException] = []

    def waits(result: HostResult) -> None:
        try:
            pool.apply("h2", Command("true"))
        except PoolError as error:
            errors.append(error)
            raise

    pool.apply_async("h1", Command("true"), callback=waits).get(60)
    assert pool.apply("h3", Command("true")).ok
    pool.close()
    pool.join()
    assert len(errors) == 1 and "must not wait" in str(errors[0])
    assert "a callback for h1 failed" in caplog.text


def test_join_before_close_is_refused_as_the_stdlib_refuses_it(pool: HostPool) -> None:
    with pytest.raises(ValueError, match="still running"):
        pool.join()


def test_a_closed_pool_takes_no_more_but_finishes(thirty: str) -> None:
    pool = HostPool(thirty, workers=2, fanout=2)
    running = [pool.apply_async(f"h{number}", Command("sleep 0.1")) for number in range(1, 6)]
    pool.close()
    with pytest.raises(PoolClosedError):
        pool.apply_async("h9", Command("true"))
    with pytest.raises(ValueError):
        pool.apply("h9", Command("true"))
    pool.join()
    assert all(result.successful() for result in running) and pool.pids() == []


def test_terminate_settles_everything_at_once(thirty: str, tmp_path: Path) -> None:
    pool = HostPool(thirty, workers=2, fanout=2)
    task = Command(f"touch {tmp_path}/$$.began; sleep 60")
    results = [pool.apply_async(f"h{number}", task) for number in range(1, 7)]
    wait_until(lambda: len(list(tmp_path.glob("*.began"))) == 2, seconds=AMPLE)
    with promptly():
        pool.terminate()
        pool.join(AMPLE)
    statuses = [result.get(0).status for result in results]
    assert statuses[2:] == ["not_run"] * 4 and set(statuses[:2]) <= {"cancelled", "lost"}
    assert pool.pids() == []


def test_an_exception_inside_with_terminates(thirty: str) -> None:
    with pytest.raises(KeyError), HostPool(thirty, workers=1) as pool:
        result = pool.apply_async("h1", Command("sleep 60"))
        raise KeyError("the caller's own")
    assert result.ready() and not result.successful()


def test_map_keeps_inventory_order_and_imap_does_not_wait_for_the_slow(pool: HostPool) -> None:
    results = pool.map("all", Command("sleep 0.0$((RANDOM % 9)) 2>/dev/null; true"))
    assert [result.host for result in results] == [f"h{number}" for number in range(1, 31)]
    slow = pool.apply_async("h1", Command("sleep 1.5"))
    came = [result.host for result in pool.imap_unordered("h1,h2,h3", Pid())]
    assert sorted(came) == ["h1", "h2", "h3"] and came[-1] == "h1"
    assert slow.get().ok


def test_events_tell_the_story_and_carry_all_output(pool: HostPool) -> None:
    events = pool.events()
    pool.apply("h1", Command("printf 'one\\ntwo\\n'"))
    pool.close()
    pool.join()
    story = list(events)
    assert isinstance(story[0], HostStarted)
    text = "".join(event.text for event in story if isinstance(event, Output))
    assert text == "one\ntwo\n"
    last = story[-1]
    assert isinstance(last, HostResult) and last.stdout == "one\ntwo\n"


def test_unknown_hosts_and_bad_patterns_are_refused_by_name(pool: HostPool) -> None:
    with pytest.raises(InventoryError, match="h99"):
        pool.apply("h99", Command("true"))
    with pytest.raises(PatternError):
        pool.map("nosuch", Command("true"))


def test_a_task_that_cannot_be_pickled_is_refused_where_it_is_submitted(pool: HostPool) -> None:
    task = Unpicklable()
    try:
        with pytest.raises(PoolError, match="cannot be sent") as caught:
            pool.apply("h1", task)
        assert caught.value.hint
    finally:
        task.handle.close()


def test_a_bug_in_a_task_is_that_hosts_result(pool: HostPool) -> None:
    result = pool.apply("h1", Buggy())
    assert result.error is not None and result.error.kind == "internal"
    assert "ZeroDivisionError" in result.error.message and "initializers.py" in result.error.message
    assert pool.apply("h2", Command("true")).ok


def test_a_failing_initializer_is_each_jobs_result_and_says_so(thirty: str) -> None:
    with HostPool(thirty, workers=2, initializer=fail) as pool:
        for result in pool.map("h[1-3]", Command("true")):
            assert result.status == "unreachable" and result.error is not None
            assert result.error.kind == "initializer_failed"
            assert "the licence server is down" in result.error.message


def test_bounds_are_checked(thirty: str) -> None:
    for workers, min_workers, fanout in ((0, 0, 1), (1, 2, 1), (1, 0, 0)):
        with pytest.raises(ValueError):
            HostPool(thirty, workers=workers, min_workers=min_workers, fanout=fanout)
    with pytest.raises(TypeError):
        HostPool(thirty, initializer="not callable")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(PoolError, match="initializer"):
        HostPool(thirty, initializer=lambda: None)
