"""Whatever crosses the link, and every error, survives the way."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from hostpool import errors, events, messages
from hostpool.errors import ErrorInfo, HostpoolError, Problems
from hostpool.results import HostResult
from hostpool.secrets import Secret

TARGET = messages.Target(
    name="web1",
    address="127.0.0.1",
    user="root",
    password=Secret("hunter2"),
    become=messages.Become(password=Secret("sudo-password")),
    jumps=(messages.Target(name="bastion"),),
    set_env=(("LANG", "C"),),
)
RESULT = HostResult(
    ts=1.5,
    host="web1",
    status="failed",
    exit_code=7,
    stdout_b64=b"\xff",
    error=ErrorInfo("k", "m", "h", True),
)
EVENTS: list[Any] = [
    events.HostStarted(ts=1.0, host="web1"),
    events.HostConnected(ts=1.0, host="web1", seconds=0.5),
    events.HostRetry(ts=1.0, host="web1", attempt=1, error="refused"),
    events.Output(ts=1.0, host="web1", stream="stderr", text="\ufffd", text_b64=b"\xff"),
    events.Progress(ts=1.0, host="web1", done=1, total=2, unit="bytes"),
    events.TaskFinished(ts=1.0, host="web1", play="p", task="t", status="ok", result={"a": [1]}),
    events.Warning(ts=1.0, message="careful"),
    RESULT,
]
DOWN: list[Any] = [
    messages.Init(capacity=4, session_cap=9, max_output=100, initializer=b"\x80"),
    messages.TaskDef(task_id=1, data=b"\x00\xff"),
    messages.TaskDrop(task_id=1),
    messages.Job(job_id=1, task_id=1, target=TARGET, check=True, output="full", task_timeout=3.5),
    messages.Cancel(job_id=1, reason="deadline", grace=5.0),
    messages.Answer(question_id=3, value=Secret("otp123")),
    messages.Answer(question_id=4, value=None),
    messages.Quit(),
]
UP: list[Any] = [
    messages.Ready(pid=1, preloaded=True, error=ErrorInfo("a", "b")),
    messages.Began(job_id=1),
    *(messages.JobEvent(job_id=1, event=event) for event in EVENTS),
    messages.Done(job_id=1, result=RESULT),
    messages.Question(question_id=1, kind="prompt", host="web1", subject="web1", prompt="OTP: ", echo=True),
    messages.NewHostKey(host="web1", names=("web1",), blob=b"\x00", file="known_hosts"),
    messages.Alive(),
]


def test_every_message_down_round_trips() -> None:
    assert messages.decode_down(messages.encode(DOWN)) == DOWN
    assert {type(message) for message in DOWN} == set(messages.Down.__args__)


@pytest.mark.parametrize("count", [1, 15, 16, 70_000])
def test_frames_of_any_length_hold_their_messages(count: int) -> None:
    one = messages.encode_one(messages.Alive())
    assert messages.decode_up(messages.frame([one] * count)) == [messages.Alive()] * count


def test_every_message_up_round_trips() -> None:
    assert messages.decode_up(messages.frame([messages.encode_one(m) for m in UP])) == UP
    assert {type(message) for message in UP} == set(messages.Up.__args__)


def test_every_event_round_trips_as_a_line_of_json_that_begins_as_promised() -> None:
    more: list[Any] = [
        events.RunStarted(ts=1.0, run="r", hosts=("a",), task="t", argv=("hostpool",)),
        events.PlayStarted(ts=1.0, play="p", hosts=("a",)),
        events.TaskStarted(ts=1.0, play="p", task="t"),
        events.PauseStarted(ts=1.0, host="a", seconds=2.0, prompt="go on"),
        events.RunFinished(ts=1.0, run="r", counts={"ok": 1}, duration=1.0, exit_code=0),
    ]
    for event in (*EVENTS, *more):
        line = events.to_json(event)
        assert line.startswith(b'{"v":1,"event":"') and b'"ts":1' in line and b"\n" not in line
        assert events.from_json(line) == event


def _all_errors(base: type[HostpoolError]) -> list[type[HostpoolError]]:
    return [base, *(each for child in base.__subclasses__() for each in _all_errors(child))]


def test_every_error_survives_pickling_with_all_it_says() -> None:
    for kind in _all_errors(HostpoolError):
        if not kind.__module__.startswith("hostpool.errors"):
            continue
        error: HostpoolError = (
            Problems("two", errors=(errors.UsageError("a"), errors.UsageError("b")))
            if kind is Problems
            else kind("m", hint="h", file="f", line=3, column=4, host="web1", retryable=True)
        )
        back = pickle.loads(pickle.dumps(error))
        assert type(back) is kind and str(back) == str(error)
        assert {k: str(v) for k, v in back.__dict__.items()} == {k: str(v) for k, v in error.__dict__.items()}


def test_secrets_do_not_show_in_a_message() -> None:
    assert "hunter2" not in repr(TARGET) and "otp123" not in repr(DOWN)
