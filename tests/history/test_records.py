"""What is kept of a host: whatever it wrote, whole or shortened, never more than the limit."""

from __future__ import annotations

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import ErrorInfo
from hostpool.history.records import KEPT_OUTPUT, packed, shortened, unpacked
from hostpool.results import HostResult

ANY = st.text(st.characters(exclude_categories=()), max_size=200)


@settings(max_examples=150, deadline=None)
@given(ANY, ANY, ANY)
def test_a_result_comes_back(out: str, err: str, message: str) -> None:
    result = HostResult(
        ts=1.0, host="web1", status="failed", exit_code=3, stdout=out, stderr=err, result={"a": [message]},
        error=ErrorInfo("exit_status", message, "a hint"),
    )  # fmt: skip
    back = unpacked(packed(result, output=True))
    if all(text.isascii() for text in (out, err, message)):
        assert back == result
    assert back.stdout == out.encode("utf-8", "replace").decode()
    assert (back.status, back.exit_code, back.host) == ("failed", 3, "web1")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.integers(0, 9000), st.text(max_size=20), st.integers(0, 9000))
def test_never_more_than_the_limit(one: str, times: int, other: str, again: int) -> None:
    result = HostResult(ts=1.0, host="h", status="ok", stdout=one * times, stderr=other * again)
    back = unpacked(packed(result, output=True))
    assert len(back.stdout.encode()) + len(back.stderr.encode()) <= KEPT_OUTPUT
    for before, after, cut in (
        (result.stdout, back.stdout, back.stdout_truncated),
        (result.stderr, back.stderr, back.stderr_truncated),
    ):
        assert cut == (before != after)
        assert before[:1000] == after[:1000] or len(after) < 1000


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.integers(0, 500))
def test_shortened_keeps_beginning_and_end(text: str, limit: int) -> None:
    short, cut = shortened(text, limit)
    assert len(short.encode()) <= limit
    assert cut == (short != text)


def test_beginning_and_end_are_both_there() -> None:
    text = "first line\n" + "x" * 200_000 + "\nlast line\n"
    back = unpacked(packed(HostResult(ts=1.0, host="h", status="ok", stdout=text, stderr="err"), output=True))
    assert back.stdout.startswith("first line\n") and back.stdout.endswith("\nlast line\n")
    assert "bytes are not in the history" in back.stdout
    assert back.stderr == "err"


def test_a_large_result_of_a_module_is_left_out() -> None:
    facts = {"facts": ["x" * 1000] * 100}
    record = packed(HostResult(ts=1.0, host="h", status="ok", result=facts), output=True)
    assert unpacked(record).result is None
    assert unpacked(packed(HostResult(ts=1.0, host="h", status="ok", result={"a": 1}), output=True)).result


def test_without_output_only_the_outcome_is_kept() -> None:
    result = HostResult(ts=1.0, host="h", status="ok", stdout="hidden", stderr="too", result={"k": "hidden"})
    back = unpacked(packed(result, output=False))
    assert (back.stdout, back.stderr, back.result) == ("", "", None)
    assert back.stdout_truncated and back.stderr_truncated


def test_no_record_is_an_error_of_its_own() -> None:
    for data in (b"", b"nonsense", zlib.compress(b"{}"), zlib.compress(b"[1")):
        try:
            unpacked(data)
        except ValueError:
            continue
        raise AssertionError(data)
