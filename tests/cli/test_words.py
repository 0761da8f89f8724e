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
    ("line", "options", "rest"),
    [
        ("web -f 10 uptime -p", "-f 10", "web uptime -p"),
        ("-f 10 web -- ls -l", "-f 10", "web ls -l"),
        ("web uptime -f 10", "", "web uptime -f 10"),
        ("web -b -f10 ls -b", "-b -f10", "web ls -b"),
        ("-bf 10 web ls", "-bf 10", "web ls"),
        ("-bvf10 web ls", "-bvf10", "web ls"),
        ("--fanout=10 web ls", "--fanout=10", "web ls"),
        ("--fanout 10 web --become -- -x", "--fanout 10 --become", "web -x"),
        ("-- web -b", "", "web -b"),
        ("web -- ls -- x", "", "web ls -- x"),
        ("-i - web ls", "-i -", "web ls"),
        ("web", "", "web"),
        ("", "", ""),
    ],
)
def test_options_stand_before_or_directly_after_the_pattern(line: str, options: str, rest: str) -> None:
    assert words(line) == Split(options.split(), rest.split())


def test_free_options_stand_anywhere_until_two_dashes() -> None:
    assert split(["web", "-f", "3", "--", "-b"], GRAMMAR, free=True) == Split(["-f", "3"], ["web", "-b"])
    assert split(["web", "x", "-f", "3"], GRAMMAR, free=True) == Split(["-f", "3"], ["web", "x"])


@pytest.mark.parametrize(
    ("line", "unknown"), [("-z web ls", "-z"), ("web --nope=1 ls", "--nope"), ("-bz w", "-z")]
)
def test_unknown_options_are_named(line: str, unknown: str) -> None:
    assert words(line).unknown == [unknown]


@pytest.mark.parametrize("line", ["web -f", "-b --fanout", "web -bf"])
def test_a_missing_value_is_noticed(line: str) -> None:
    assert words(line).bare in (["-f"], ["--fanout"])


@given(st.lists(st.text(min_size=1, max_size=5)), st.lists(st.sampled_from(["-b", "--become", "-v", "-f9"])))
def test_the_command_comes_through_untouched(command: list[str], options: list[str]) -> None:
    for arguments in (
        [*options, "web", "--", *command],
        ["web", *options, "--", *command],
        [*options, "--", "web", *command],
    ):
        assert split(arguments, GRAMMAR) == Split(options, ["web", *command])


@given(st.lists(st.sampled_from(["-b", "-f", "3", "web", "--", "--fanout", "--x", "ls", "-", "-bf", "-i=x"])))
def test_every_word_lands_in_exactly_one_place(arguments: list[str]) -> None:
    found = split(arguments, GRAMMAR)
    assert sorted([*found.options, *found.words]) in (
        sorted(arguments),
        sorted(_without_first(arguments, "--")),
    )


def _without_first(arguments: list[str], word: str) -> list[str]:
    at = arguments.index(word) if word in arguments else len(arguments)
    return arguments[:at] + arguments[at + 1 :]
