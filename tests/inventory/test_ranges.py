"""Ranges of names as nodeset folds and expands them."""

from __future__ import annotations

import random
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import PatternError
from hostpool.inventory import expand, fold
from tests.inventory.conftest import Nodeset

digits = st.integers(0, 130).flatmap(lambda n: st.sampled_from([str(n), f"{n:02}", f"{n:03}"]))
small = st.integers(0, 3).map(str)
name = st.one_of(
    digits.map("web{}".format),
    st.builds("r{}n{}".format, small, small),
    st.builds("10.{}.{}.{}".format, small, small, st.integers(0, 9)),
    st.builds("{}-{}.example.com".format, st.sampled_from(["a", "b%s", "%"]), digits),
    st.sampled_from(["gate", "0", "007", "x"]),
)


@settings(max_examples=300, deadline=None)
@given(names=st.lists(name, min_size=1, max_size=25))
def test_folds_as_nodeset(nodeset: Nodeset, names: list[str]) -> None:
    plain = [n for n in names if "%" not in n] or ["a"]
    assert fold(plain) == nodeset.fold(plain)
    assert set(expand(fold(names))) == set(names)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("ab019-/,[] "), min_size=1, max_size=14))
def test_expands_as_nodeset(nodeset: Nodeset, text: str) -> None:
    theirs = nodeset.expand(text)
    try:
        ours = expand(text)
    except PatternError:
        return
    # Nodeset takes blanks within names and digits beside brackets for more than they are.
    if theirs is not None and " " not in text:
        assert set(ours) == set(theirs)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n[1-4,7]", "n1 n2 n3 n4 n7"),
        ("n[01-10/2]", "n01 n03 n05 n07 n09"),
        ("n[08-12]", "n08 n09 n10 n11 n12"),
        ("rack[1-2]n[1-2].x", "rack1n1.x rack1n2.x rack2n1.x rack2n2.x"),
        ("b,a, c", "b a c"),
        ("n[3,1,3]", "n3 n1"),
        ("u@10.0.0.[1-2]", "u@10.0.0.1 u@10.0.0.2"),
        ("", ""),
    ],
)
def test_expand_keeps_the_order_written(text: str, names: str) -> None:
    assert expand(text) == names.split()


@pytest.mark.parametrize(
    "text", ["n[", "n]", "n[]", "n[1,]", "n[a-b]", "n[3-1]", "n[1-03]", "n[1-3/0]", "n[-1]", "n[1[2]]"]
)
def test_bad_ranges_are_refused_with_the_word(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        expand(text)
    assert repr(text) in caught.value.message


@pytest.mark.parametrize(
    "text", ["n[1-1000001]", "a[1-2000]b[1-2000]", "n[1-999999999999999999]", "a[1-700000],b[1-700000]"]
)
def test_more_than_a_million_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(PatternError, match="1,000,000"):
        expand(text)
    assert time.process_time() - start < 2


def test_the_program_nodeset_agrees(nodeset: Nodeset) -> None:
    names = [f"web{i}.example.com" for i in range(1, 42) if i != 7] + ["r1n1", "r1n2", "r2n1", "r2n2"]
    done = subprocess.run([nodeset.program, "-f", *names], capture_output=True, text=True, check=True)
    assert fold(names) == done.stdout.strip() == "r[1-2]n[1-2],web[1-6,8-41].example.com"


def test_folding_thousands_takes_milliseconds() -> None:
    names = [f"rack{r}n{n}" for r in range(50) for n in range(100)]
    random.Random(1).shuffle(names)
    # The best of several, in CPU time, and far from it: what would not be linear takes minutes.
    assert min(_cpu_seconds(names) for _ in range(5)) < 2


def _cpu_seconds(names: list[str]) -> float:
    start = time.process_time()
    assert fold(names) == "rack[0-49]n[0-99]"
    return time.process_time() - start
