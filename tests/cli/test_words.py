"""Which words are ours and which the command's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.cli.words import Grammar, Split, split

GRAMMAR = Grammar(
    valued=frozenset({"-f", "--fanout", "-i", "--inventory"}), switches=frozenset({"-b", "--become", "-v"})
)


def words(text: str) -> Split:
    return split(text.split(), GRAMMAR)


@pytest.mark.parametrize(
    ("line", "given", "rest"),
    [
        ("web -f 10 uptime -p", [("-f", "10")], "web uptime -p"),
        ("-f 10 web -- ls -l", [("-f", "10")], "web ls -l"),
        ("web uptime -f 10", [], "web uptime -f 10"),
        ("web -b -f10 ls -b", [("-b", None), ("-f", "10")], "web ls -b"),
        ("-bf 10 web ls", [("-b", None), ("-f", "10")], "web ls"),
        ("-bvf10 web ls", [("-b", None), ("-v", None), ("-f", "10")], "web ls"),
        ("-fb web ls", [("-f", "b")], "web ls"),
        ("--fanout=10 web ls", [("--fanout", "10")], "web ls"),
        ("--fanout= web ls", [("--fanout", "")], "web ls"),
        ("--fanout 10 web --become -- -x", [("--fanout", "10"), ("--become", None)], "web -x"),
        ("-f -- web ls", [("-f", "--")], "web ls"),
        ("-- web -b", [], "web -b"),
        ("web -- ls -- x", [], "web ls -- x"),
        ("-i - web ls", [("-i", "-")], "web ls"),
        ("-vvv web", [("-v", None)] * 3, "web"),
        ("web", [], "web"),
        ("", [], ""),
    ],
)
def test_options_stand_before_or_directly_after_the_pattern(
    line: str, given: list[tuple[str, str | None]], rest: str
) -> None:
    assert words(line) == Split(given, rest.split())


def test_free_options_stand_anywhere_until_two_dashes() -> None:
    assert split(["web", "-f", "3", "--", "-b"], GRAMMAR, free=True) == Split([("-f", "3")], ["web", "-b"])
    assert split(["web", "x", "-f", "3"], GRAMMAR, free=True) == Split([("-f", "3")], ["web", "x"])


@pytest.mark.parametrize(
    ("line", "unknown"), [("-z web ls", "-z"), ("web --nope=1 ls", "--nope"), ("-bz w", "-z")]
)
def test_unknown_options_are_named(line: str, unknown: str) -> None:
    assert words(line).unknown == [unknown]


@pytest.mark.parametrize("line", ["web -f", "-b --fanout", "web -bf"])
def test_a_missing_value_is_noticed(line: str) -> None:
    assert words(line).bare in (["-f"], ["--fanout"])


def test_a_value_too_many_is_noticed() -> None:
    assert words("--become=yes web").excess == ["--become"]


@given(st.lists(st.text(min_size=1, max_size=5)), st.lists(st.sampled_from(["-b", "--become", "-v"])))
def test_the_command_comes_through_untouched(command: list[str], options: list[str]) -> None:
    for arguments in (
        [*options, "web", "--", *command],
        ["web", *options, "--", *command],
        [*options, "--", "web", *command],
    ):
        assert split(arguments, GRAMMAR) == Split([(option, None) for option in options], ["web", *command])


@given(
    st.lists(
        st.sampled_from(["-b", "-f", "3", "web", "--", "--fanout", "--x", "ls", "-", "-bf", "--become=1"])
    ),
    st.booleans(),
)
def test_no_word_is_lost_or_invented(arguments: list[str], free: bool) -> None:
    found = split(arguments, GRAMMAR, free=free)
    values = [value for _, value in found.given if value is not None]
    assert {*found.words, *values} <= {*arguments, "1"}
    if not free and len(found.words) > 1:
        assert found.words[1:] == arguments[len(arguments) - len(found.words) + 1 :]


@given(st.lists(st.sampled_from(["-b", "-f3", "-f", "web", "--", "--become", "ls", "-", "-x"]), max_size=6))
def test_it_reads_as_getopt_does_where_getopt_can(arguments: list[str]) -> None:
    import getopt

    try:
        options, rest = getopt.getopt(arguments, "bvf:i:", ["become", "fanout=", "inventory="])
    except getopt.GetoptError:
        found = split(arguments, GRAMMAR)
        assert found.unknown or found.bare
        return
    found = split([*arguments[: len(arguments) - len(rest)], "--", *rest], GRAMMAR)
    taken = [(name, value if name in GRAMMAR.valued else None) for name, value in options]
    if "--" not in arguments[: len(arguments) - len(rest)]:
        assert found == Split(taken, rest)
