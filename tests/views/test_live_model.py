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
    Progress,
    RunStarted,
)
from hostpool.views.live.model import KEPT, TAIL, Model
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
    for event in run[1]:
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
