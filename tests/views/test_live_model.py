"""The model behind the live table: any order of events, bounded memory, true counts."""

from __future__ import annotations

from hypothesis import given, settings

from hostpool.events import (
    Event,
    HostConnected,
    HostFinished,
    HostRetry,
    HostStarted,
    Output,
    PlayStarted,
    Progress,
    RunStarted,
    TaskFinished,
    TaskStarted,
)
from hostpool.views.live.ended import TAIL
from hostpool.views.live.model import KEPT, Model
from tests.views.support import RUN, START, faulty_runs, finished


def model_of(*events: Event) -> Model:
    model = Model()
    for event in events:
        model.handle(event)
    return model


@settings(max_examples=200, deadline=None)
@given(faulty_runs())
def test_counts_hold_in_any_order(run: tuple[list[str], list[Event]]) -> None:
    model = Model()
    for event in (event for event in run[1] if not isinstance(event, PlayStarted | TaskStarted)):
        model.handle(event)
        assert model.done == sum(model.counts.values())
        assert model.done + len(model.running) + model.waiting == model.total
        assert not set(model.running) & {ended.host for ended in (*model.failures, *model.finished)}
        assert all(len(running.tail) <= TAIL for running in model.running.values())
        assert model.rate(event.ts) >= 0
        left = model.time_left(event.ts)
        assert left is None or left > 0
    ended = {event.host for event in run[1] if isinstance(event, HostFinished)}
    assert model.done == len(ended)
    assert len(model.failures) + len(model.finished) == len(ended)


def test_a_running_host_tells_where_it_is() -> None:
    start: list[Event] = [
        RunStarted(ts=START, run=RUN, hosts=("a",), task="t"),
        HostStarted(ts=START + 1, host="a"),
    ]
    running = model_of(*start).running["a"]
    assert (running.state, running.since) == ("connecting", START + 1)
    retry = HostRetry(ts=START + 2, host="a", attempt=1, error="refused")
    running = model_of(*start, retry).running["a"]
    assert (running.state, running.tail, running.since) == ("attempt 2", "refused", START + 1)
    connected = HostConnected(ts=START + 3, host="a", seconds=0.1)
    running = model_of(*start, retry, connected).running["a"]
    assert (running.state, running.tail) == ("running", "")
    progress = Progress(ts=START + 4, host="a", done=512, total=1024, unit="bytes")
    assert model_of(*start, connected, progress).running["a"].progress == "50 % of 1.0 KiB"


def test_pieces_of_a_line_are_joined_but_not_over_a_gap() -> None:
    def output(text: str, lossy: bool = False) -> Output:
        return Output(ts=START, host="a", stream="stdout", text=text, lossy=lossy)

    assert model_of(output("one\ntw"), output("o")).running["a"].tail == "one\ntwo"
    assert model_of(output("one"), output("nine", lossy=True)).running["a"].tail == "nine"


def test_a_failure_is_told_by_its_reason() -> None:
    failed = finished("a", status="failed", exit_code=3, stdout="out", stderr="why\n")
    assert [(ended.state, ended.text) for ended in model_of(failed).failures] == [("exit 3", "why\n")]
    killed = finished("b", status="failed", signal="KILL")
    assert model_of(killed).failures[0].state == "SIGKILL"


def test_rate_and_time_left() -> None:
    hosts = tuple(f"h{n}" for n in range(100))
    events: list[Event] = [RunStarted(ts=START, run=RUN, hosts=hosts, task="t")]
    events += [finished(f"h{n}", ts=START + n / 10) for n in range(50)]
    model = model_of(*events)
    assert 9 < model.rate(START + 5) <= 11
    left = model.time_left(START + 5)
    assert left is not None
    assert 4.5 < left < 5.6
    assert Model().time_left(START) is None


def test_fifty_thousand_hosts_leave_little_behind() -> None:
    hosts = tuple(f"h{n}" for n in range(50_000))
    model = model_of(RunStarted(ts=START, run=RUN, hosts=hosts, task="t"))
    for n, host in enumerate(hosts):
        model.handle(HostStarted(ts=START + n, host=host))
        model.handle(finished(host, ts=START + n, status="failed" if n % 2 else "ok", stdout="x" * 1000))
    assert (len(model.running), len(model.failures), len(model.finished)) == (0, KEPT, KEPT)
    assert max(len(ended.text) for ended in model.failures) <= TAIL
    assert model.done == 50_000


HOSTS = ("a", "b", "c", "d")


def begun(task: str, ts: float = START) -> TaskStarted:
    return TaskStarted(ts=ts, play="p", task=task)


def ended(host: str, status: str = "changed", ts: float = START, **result: object) -> TaskFinished:
    return TaskFinished(ts=ts, host=host, play="p", task="t", status=status, result=result)  # type: ignore[arg-type]  # a status


PLAY: list[Event] = [
    RunStarted(ts=START, run=RUN, hosts=HOSTS, task="play site.yml"),
    PlayStarted(ts=START, play="p", hosts=HOSTS),
]


def test_of_a_play_the_hosts_of_its_task_are_counted() -> None:
    model = model_of(*PLAY, begun("one"), ended("b", ts=START + 2), ended("a", "ok", ts=START + 3))
    assert (model.title, model.done, model.total) == ("p: one", 2, 4)
    assert (list(model.running), [each.host for each in model.finished]) == (["c", "d"], ["a", "b"])
    assert model.finished[0].duration == 3
    model.handle(begun("two", START + 5))
    assert (model.done, model.total, list(model.running)) == (0, 4, ["a", "b", "c", "d"])
    assert model.running["a"].since == START + 5 and model.started == START


def test_who_failed_in_a_task_stays_in_sight_and_is_in_no_later_one() -> None:
    model = model_of(*PLAY, begun("one"), ended("c", "failed", rc=3, stderr="why\n"), ended("a"))
    assert [(each.host, each.state, each.text) for each in model.failures] == [("c", "exit 3", "why\n")]
    assert model.failed_before == 0 and model.bad == 1
    model.handle(begun("two"))
    assert (model.failed_before, model.bad, list(model.running)) == (1, 0, ["a", "b", "d"])
    assert [each.host for each in model.failures] == ["c"]


def test_who_is_rescued_or_ignored_goes_on() -> None:
    model = model_of(
        *PLAY, begun("one"), ended("c", "failed"), ended("a", "failed", ignored=True), begun("rescue")
    )
    assert model.failed_before == 1 and "a" in model.running
    model.handle(ended("c"))
    assert model.failed_before == 0 and not model.failures
    model.handle(begun("two"))
    assert list(model.running) == ["a", "b", "c", "d"]


def test_at_the_end_of_a_play_its_hosts_are_counted_as_those_of_any_run() -> None:
    model = model_of(
        *PLAY, begun("one"), ended("c", "failed"), begun("two"), *(ended(host) for host in "abd")
    )
    for host in HOSTS:
        model.handle(finished(host, status="failed" if host == "c" else "changed"))
    assert (model.done, model.total, model.bad, model.failed_before) == (4, 4, 1, 0)


@settings(max_examples=200, deadline=None)
@given(faulty_runs())
def test_whatever_comes_in_a_play_the_numbers_agree(run: tuple[list[str], list[Event]]) -> None:
    model = model_of(*PLAY[:1])
    for event in run[1]:
        model.handle(event)
        assert model.done == sum(model.counts.values())
        assert model.done + len(model.running) + model.waiting == model.total
        assert not set(model.running) & {each.host for each in (*model.failures, *model.finished)}
        assert model.rate(event.ts) >= 0
