"""What texts of flags, variables and the configuration mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.batches import Limit
from hostpool.cli import values


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (values.seconds, "30", 30.0),
        (values.seconds, "2.5", 2.5),
        (values.seconds, "500ms", 0.5),
        (values.seconds, "1m30s", 90.0),
        (values.seconds, "2h", 7200.0),
        (values.pause, "0", 0.0),
        (values.size, "64K", 65536),
        (values.size, "1MiB", 1 << 20),
        (values.size, "0", 0),
        (values.codes, "0,1", frozenset({0, 1})),
        (values.limit, "3", Limit(3)),
        (values.limit, "10%", Limit(10, percent=True)),
        (values.sizes, "1,10%,50%", ("1", "10%", "50%")),
        (values.assignment, "A=b=c", ("A", "b=c")),
        (values.assignment, "A=", ("A", "")),
        (values.ssh_option, "Port 22", "Port=22"),
        (values.ssh_option, " Port = 22 ", "Port=22"),
        (values.ssh_option, "ProxyCommand=a b=c", "ProxyCommand=a b=c"),
        (values.source, "h1,h2,", "h1,h2,"),
        (values.source, "-", "-"),
        (values.port, "22", 22),
        (values.switch, "Off", False),
        (values.switch, "1", True),
    ],
)
def test_meaning(parse: Callable[[str], Any], text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.seconds, "0"),
        (values.seconds, "-1"),
        (values.seconds, "1m30"),
        (values.seconds, "soon"),
        (values.seconds, "1e400"),
        (values.seconds, ""),
        (values.size, "1T"),
        (values.size, "-1"),
        (values.codes, "0,"),
        (values.codes, "256"),
        (values.limit, "101%"),
        (values.limit, "x"),
        (values.sizes, "1,0"),
        (values.sizes, "1,,2"),
        (values.assignment, "A"),
        (values.assignment, "1A=x"),
        (values.ssh_option, "Port"),
        (values.ssh_option, "=x"),
        (values.port, "0"),
        (values.port, "65536"),
        (values.count, "0"),
        (values.count, "٣"),
        (values.switch, "maybe"),
        (values.text, ""),
    ],
)
def test_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


PARSERS = [
    values.text, values.path, values.source, values.count, values.natural, values.port, values.seconds,
    values.pause, values.size, values.codes, values.code, values.limit, values.sizes, values.assignment,
    values.ssh_option, values.switch, values.choice("strict", "off"),
]  # fmt: skip


@given(
    st.sampled_from(PARSERS), st.text(max_size=12) | st.from_regex(r"[0-9.]{1,6}[smhdKM%]?", fullmatch=True)
)
def test_anything_is_understood_or_a_value_error(parse: Callable[[str], Any], text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert str(error)


def test_choice_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean accept-new"):
        values.choice("strict", "accept-new", "off")("acceptnew")


def test_paths_expand_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert values.path("~/key") == "/somewhere/key"
    assert values.source("~/hosts") == "/somewhere/hosts"
