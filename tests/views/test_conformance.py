"""What holds for every view: each host appears exactly once, whatever went wrong with the run."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from hostpool.events import Event, HostFinished, RunStarted, from_json
from hostpool.runner import Sink
from hostpool.secrets import Masker
from hostpool.views import Kind, ViewOptions, make_view
from hostpool.views.neutralise import neutralise, one_line
from hostpool.views.options import Stream
from tests.views.support import Pipe, Terminal, faulty_runs, feed

XTERM = {"TERM": "xterm"}


def _jsonl(output: str) -> Counter[str]:
    events = [from_json(line) for line in output.split("\n")[:-1]]
    return Counter(event.host for event in events if isinstance(event, HostFinished))


def _json(output: str) -> Counter[str]:
    seen: Counter[str] = Counter()

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(items)
        if "exit_code" in fields and "hosts" in fields:
            assert len(fields) == len(items) == 4
        return fields

    def hosts(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if items and all(isinstance(value, dict) and "host" in value for _, value in items):
            seen.update(name for name, _ in items)
            assert all(name == value["host"] for name, value in items)
        return pairs(items)

    document = json.loads(output, object_pairs_hook=hosts)
    assert sum(document["counts"].values()) == len(document["hosts"])
    return seen


def _junit(output: str) -> Counter[str]:
    return Counter(str(case.get("name")) for case in ET.fromstring(output).iter("testcase"))


def _report(output: str) -> Counter[str]:
    """The words that begin a line; what hosts wrote is indented, or follows a name and a colon."""
    lines = [line for line in output.split("\n") if line.strip() and not line.startswith((" ", "warning:"))]
    assert re.fullmatch(r"\d+ hosts?: .*", lines[-1])
    return Counter(re.split(r":? ", line)[0] for line in lines[:-1])


READERS: dict[Kind, tuple[Callable[[str], Counter[str]], Callable[[str], str]]] = {
    "jsonl": (_jsonl, str),
    "json": (_json, str),
    "junit": (_junit, neutralise),
    "plain": (_report, one_line),
    "live": (_report, one_line),
}


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=40, deadline=None)
@given(run=faulty_runs())
def test_each_host_appears_exactly_once(kind: Kind, run: tuple[list[str], list[Event]]) -> None:
    read, name = READERS[kind]
    hosts, events = run
    output = shown(kind, [event for event in events if not is_play(event)], fold=False)
    expected = Counter(name(host) for host in hosts)
    assert read(output) == expected


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "options", [{"stream": True}, {"verbose": True}, {"quiet": True}, {"no_prefix": True}, {"compare": True}]
)
@settings(max_examples=8, deadline=None)
@given(run=faulty_runs())
def test_no_option_makes_a_view_fail(
    kind: Kind, options: dict[str, bool], run: tuple[list[str], list[Event]]
) -> None:
    output = shown(kind, run[1], **options)
    if kind in ("plain", "live"):
        assert not {character for character in output if ord(character) < 0x20} - {"\n", "\t"}


@settings(max_examples=40, deadline=None)
@given(run=faulty_runs())
def test_folding_loses_nobody(run: tuple[list[str], list[Event]]) -> None:
    output = shown("plain", [event for event in run[1] if not is_play(event)])
    count = 0
    for line in output.split("\n")[:-2]:
        if not line.startswith((" ", "warning:")) and line:
            folded = re.match(r"\S+ \((\d+)\)", line)
            count += int(folded.group(1)) if folded else 1
    assert count == len(run[0])


def test_a_view_is_a_sink_of_the_runner() -> None:
    sinks: list[Sink] = [make_view(kind, options(Pipe(), Pipe())) for kind in READERS]
    for sink in sinks:
        sink.close()


def test_every_view_can_be_paused_and_discarded() -> None:
    for kind in READERS:
        view = make_view(kind, ViewOptions(Pipe(), Pipe(), masker=Masker(["hunter22"])))
        with view.paused():
            view.handle(RunStarted(ts=0.0, run="x", hosts=("web1",), task="t"))
        view.discard()


def shown(kind: Kind, events: list[Event], **fields: bool) -> str:
    """All that a person can read in the end, of both streams; of views for programs, stdout."""
    if kind == "live":
        terminal = Terminal(600, 40)
        feed(make_view(kind, options(terminal, terminal, **fields)), events)
        return "\n".join(terminal.lines()).rstrip("\n") + "\n"
    out = Pipe()
    err = out if kind == "plain" else Pipe()
    feed(make_view(kind, options(out, err, **fields)), events)
    return out.text()


def options(stdout: Stream, stderr: Stream, **fields: Any) -> ViewOptions:
    return ViewOptions(stdout, stderr, environ=XTERM, **fields)


def is_play(event: Event) -> bool:
    return type(event).__name__ in ("PlayStarted", "TaskStarted", "PauseStarted", "TaskFinished")
