"""Secrets in what events hold: none passes, and where there is none to know, nothing is done."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hostpool.errors import ErrorInfo
from hostpool.events import (
    Event,
    HostRetry,
    PlayStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.secrets import MASK, MIN_LENGTH, Masker
from hostpool.views import mask_event
from hostpool.views.masking import mask_value
from tests.views.support import finished

SECRET = "s3cret"
TEXT = st.sampled_from([SECRET, f"a{SECRET}b{SECRET}", "s3cre", "t", "plain", f"{SECRET}\n", "öffentlich"])
DATA = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT.map(str.encode),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(TEXT | st.integers(), inner),
)


class Text(str):
    """What a template makes of text is text of another class at times."""


def every(value: Any) -> list[str]:
    if isinstance(value, bytes):
        return [value.decode()]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in every(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in every(each)]
    return [value] if isinstance(value, str) else []


@given(DATA)
def test_no_secret_passes(value: Any) -> None:
    masked = mask_value(value, Masker([SECRET]))
    texts = every(masked)
    assert not any(SECRET in text for text in texts)
    if not any(SECRET in text for text in every(value)):
        assert texts == every(value)


def test_the_shortest_secret_and_text_of_another_class() -> None:
    assert len(SECRET) == MIN_LENGTH
    assert mask_value([SECRET, Text(SECRET), {Text(SECRET): 1}], Masker([SECRET])) == [MASK, MASK, {MASK: 1}]


def events(word: str) -> list[Event]:
    data = {"stdout": word, word: [{"k": (word, 1, None)}]}
    error = ErrorInfo("kind", f"it said {word}", word)
    return [
        RunStarted(ts=1.0, run="1", hosts=("h",), task=word, argv=("hostpool", word)),
        PlayStarted(ts=1.0, play=word, hosts=("h",)),
        TaskStarted(ts=1.0, play=word, task=word),
        TaskFinished(ts=1.0, host="h", play=word, task=word, status="ok", diff=word, result=data),
        HostRetry(ts=1.0, host="h", attempt=1, error=word),
        Warning(ts=1.0, message=word, hint=word),
        finished("h", stdout=word, stderr=word, stdout_b64=word.encode(), result=data, error=error),
        RunFinished(ts=1.0, run="1", counts={}, duration=1.0, exit_code=0, stats={"h": data}),
    ]


def test_every_kind_of_event() -> None:
    for event in events(SECRET):
        assert SECRET not in repr(mask_event(event, Masker([SECRET])))
        assert SECRET in repr(event)


def test_without_secrets_an_event_is_the_one_it_was() -> None:
    for event in events("plain"):
        assert mask_event(event, Masker([])) is event
        assert mask_event(event, Masker(["short"])) is event, "shorter than what is masked at all"
