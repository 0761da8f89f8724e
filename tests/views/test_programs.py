"""The views that programs read: jsonl, json, junit."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import ErrorInfo
from hostpool.events import Event, HostRetry, Output, RunStarted, Warning, from_json
from hostpool.secrets import Masker
from hostpool.views import Kind, ViewOptions, make_view, needs_output
from tests.views.support import RUN, START, feed, finished, pipes, whole_run


def shown(kind: Kind, events: list[Event], masker: Masker | None = None) -> tuple[str, str]:
    options, out, err = pipes(masker=masker or Masker())
    feed(make_view(kind, options), events)
    return out.text(), err.text()


def test_jsonl_is_one_flushed_event_a_line() -> None:
    events = whole_run(
        [finished("web1", stdout="a\x1b[2J\n")], Output(ts=START, host="web1", stream="stdout", text="x")
    )
    out, err = shown("jsonl", events)
    assert [from_json(line) for line in out.split("\n")[:-1]] == events
    assert all(list(json.loads(line))[:3] == ["v", "event", "ts"] for line in out.split("\n")[:-1])
    assert err == ""
    assert needs_output("jsonl", pipes()[0])


def test_jsonl_passes_a_broken_pipe_on_and_is_quiet_afterwards() -> None:
    class Closed:
        def write(self, data: bytes) -> int:
            raise BrokenPipeError

        def flush(self) -> None: ...

    view = make_view("jsonl", ViewOptions(stdout=Closed(), stderr=Closed()))
    with pytest.raises(BrokenPipeError):
        view.handle(RunStarted(ts=START, run=RUN, hosts=("web1",), task="x"))
    view.close()


def test_lone_surrogates_do_not_end_the_run() -> None:
    events = whole_run([finished("web\udc801", stdout="\ud800")])
    out, _ = shown("jsonl", events)
    assert len(out.split("\n")[:-1]) == len(events)
    assert json.loads(shown("json", events)[0])["counts"]["ok"] == 1


def test_json_is_one_document_in_inventory_order() -> None:
    events = whole_run([finished("web2"), finished("web1", status="failed", exit_code=2)], exit_code=3)
    events[-3:-1] = reversed(events[-3:-1])
    out, _ = shown("json", events)
    document = json.loads(out)
    assert list(document) == ["run", "hosts", "counts", "exit_code"]
    assert list(document["hosts"]) == ["web2", "web1"]
    assert document["hosts"]["web1"]["exit_code"] == 2
    assert (document["run"], document["exit_code"], document["counts"]["failed"]) == (RUN, 3, 1)


def test_json_of_a_broken_off_run_has_every_host_and_no_exit_code() -> None:
    document = json.loads(shown("json", whole_run([finished("web1"), finished("web2")])[:-2])[0])
    assert [host["status"] for host in document["hosts"].values()] == ["ok", "lost"]
    assert document["exit_code"] is None


@pytest.mark.parametrize("kind", ["json", "junit"])
def test_warnings_go_to_stderr(kind: Kind) -> None:
    notes = [Warning(ts=START, message="old key", host="web1"), Warning(ts=START, message="careful")]
    out, err = shown(kind, whole_run([finished("web1")], *notes))
    assert err == "warning: careful\nwarning: web1: old key\n"
    assert "careful" not in out


def test_junit_counts_and_tells_failures_from_errors() -> None:
    events = whole_run(
        [
            finished("web1", stdout="fine <&>\x00\x1b[31m\ufffe\n"),
            finished("web2", status="failed", exit_code=1, stderr="bad"),
            finished("web3", status="unreachable", error=ErrorInfo("unreachable", 'say "no"', "wait")),
            finished("web4", status="not_run"),
        ]
    )
    suite = ET.fromstring(shown("junit", events)[0])
    assert (suite.get("name"), suite.get("time")) == ("hostpool uptime", "2.300")
    numbers = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert numbers == ["4", "1", "1", "1"]
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["web1", "web2", "web3", "web4"]
    assert cases[0].findtext("system-out") == "fine <&>^@\n"
    failure, error = cases[1].find("failure"), cases[2].find("error")
    assert failure is not None
    assert failure.get("message") == "failed, exit code 1"
    assert error is not None
    assert (error.get("message"), error.text) == ('unreachable: say "no"', "hint: wait")
    assert cases[3].find("skipped") is not None


SECRET = "hunter-22"


@pytest.mark.parametrize("kind", ["jsonl", "json", "junit", "plain"])
def test_no_secret_passes_anywhere(kind: Kind) -> None:
    raw = b"\xff" + SECRET.encode()
    result = finished(
        "web1",
        status="failed",
        stdout=f"a {SECRET}",
        stderr=SECRET,
        stdout_b64=raw,
        result={SECRET: [SECRET, {"x": SECRET}]},
        error=ErrorInfo("failed", f"no {SECRET}", f"try {SECRET}"),
    )
    notes: list[Event] = [
        Output(ts=START, host="web1", stream="stdout", text=f"\ufffd{SECRET}", text_b64=raw),
        Output(ts=START, host="web1", stream="stderr", text=f"x{SECRET[:4]}", lossy=True),
        HostRetry(ts=START, host="web1", attempt=1, error=SECRET),
        Warning(ts=START, message=SECRET, hint=SECRET),
    ]
    start = RunStarted(ts=START, run=RUN, hosts=("web1",), task=SECRET, argv=("x", SECRET))
    out, err = shown(kind, [start, *whole_run([result], *notes)[1:]], Masker([SECRET]))
    assert SECRET not in out + err
    assert SECRET[:4] not in out + err
    for encoded in (base64.b64encode(raw).decode(), base64.b64encode(SECRET.encode()).decode()[2:-4]):
        assert encoded not in out


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([SECRET, "hunter", "-22", "é", "\udcff", "x\n"]), max_size=8), st.data())
def test_output_is_masked_across_pieces_and_otherwise_unchanged(
    parts: list[str], data: st.DataObject
) -> None:
    whole = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        raw = whole[start:end].encode("utf-8", "surrogateescape")
        text = raw.decode("utf-8", "replace")
        events.append(
            Output(ts=START, host="h", stream="stdout", text=text, text_b64=raw if "\ufffd" in text else None)
        )
    out, _ = shown("jsonl", whole_run([finished("h")], *events), Masker([SECRET]))
    got = b""
    for line in out.split("\n")[:-1]:
        event = from_json(line)
        if isinstance(event, Output):
            got += event.text.encode() if event.text_b64 is None else event.text_b64
    assert got == whole.replace(SECRET, "********").encode("utf-8", "surrogateescape")
