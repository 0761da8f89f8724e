"""The small parts: words of a line, patterns, times, algorithm lists, spelled-out addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.openssh.algorithms import AlgorithmList, parse_algorithms
from hostpool.openssh.keywords import KEYWORDS, nearest
from hostpool.openssh.lexer import UnbalancedQuotes, split_arguments, split_keyword
from hostpool.openssh.limits import LIMITS
from hostpool.openssh.patterns import matches, matches_list
from hostpool.openssh.target_names import canonical
from hostpool.openssh.tokens import expand_percent
from hostpool.openssh.values import parse_seconds


def quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])), max_size=4))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert split_arguments("\t ".join(map(quoted, words))) == words


@given(st.text(max_size=40))
def test_no_line_is_too_strange(text: str) -> None:
    line = split_keyword(text)
    try:
        split_arguments(line.rest if line else text)
    except UnbalancedQuotes:
        assert any(quote in text for quote in "\"'")


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_patterns_are_like_a_plain_backtracker(pattern: str, text: str) -> None:
    def slow(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return slow(p[1:], t) or (bool(t) and slow(p, t[1:]))
        return bool(t) and p[0] in ("?", t[0]) and slow(p[1:], t[1:])

    assert matches(text, pattern) is slow(pattern, text)


def test_lists() -> None:
    assert matches_list("web1", "db*,web?")
    assert not matches_list("web1", "web?,!web1")
    assert not matches_list("web1", "!db1")
    assert not matches_list("", "?*")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90", 90), ("1m30s", 90), ("2H", 7200), ("1d1w", 691200), ("none", None)]
)
def test_times(text: str, seconds: int | None) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1.5", "m", "1x", "1 m", "9" * 12])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_seconds(text)


def test_algorithm_lists() -> None:
    defaults, more = ("a1", "a2", "b"), ("c1", "c2")
    assert parse_algorithms("b,c*").apply(defaults, more) == ("b", "c1", "c2")
    assert parse_algorithms("+c1,nonsense").apply(defaults, more) == ("a1", "a2", "b", "c1")
    assert parse_algorithms("-a*").apply(defaults, more) == ("b",)
    assert parse_algorithms("^b,c2").apply(defaults, more) == ("b", "c2", "a1", "a2")
    assert parse_algorithms("x").apply(defaults, more) == ()
    for text in ("a,b", "+a,b*", "-x", "^y"):
        assert ",".join(parse_algorithms(text).words()) == text
    assert parse_algorithms("+x") == AlgorithmList("+", ("x",))
    for text in ("", "a,,b", "+", "a,!b"):
        with pytest.raises(ValueError, match=r"."):
            parse_algorithms(text)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Web1", "web1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("::0:1", "::1"),
        ("FE80::A", "fe80::a"),
        ("dead.beef", "dead.beef"),
        ("10.example", "10.example"),
    ],
)
def test_addresses_have_one_spelling(name: str, spelled: str) -> None:
    assert canonical(name) == spelled


@given(st.text(max_size=20))
def test_percent_signs_can_be_escaped(text: str) -> None:
    assert expand_percent(text.replace("%", "%%"), {}) == text


def test_keywords() -> None:
    assert nearest("hostnam") == "HostName"
    assert nearest("zzzzzz") is None
    assert set(LIMITS) <= set(KEYWORDS)
    assert len(KEYWORDS) > 120
