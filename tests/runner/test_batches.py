"""Splitting into batches, and limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.batches import Limit, check_sizes, split
from hostpool.errors import UsageError

sizes = st.lists(
    st.one_of(st.integers(1, 20).map(str), st.integers(1, 100).map(lambda n: f"{n}%")), max_size=4
)


@given(st.lists(st.integers(), max_size=50).map(lambda hosts: [str(h) for h in hosts]), sizes)
def test_batches_are_the_hosts_in_order_none_empty(hosts: list[str], wanted: list[str]) -> None:
    batches = list(split(hosts, wanted))
    assert [host for batch in batches for host in batch] == hosts
    assert all(batches) or not hosts


def test_a_canary_ramp() -> None:
    batches = list(split([str(n) for n in range(50)], ["1", "10%", "100%"]))
    assert [len(batch) for batch in batches] == [1, 5, 44]


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "0%", "101%", "1.5", "", "nan", "inf"])
def test_wrong_sizes_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        check_sizes([wrong])


def test_more_than_the_limit_not_as_many() -> None:
    assert not Limit.parse("3").exceeded(3, 100) and Limit.parse("3").exceeded(4, 100)
    assert not Limit.parse("10%").exceeded(5, 50) and Limit.parse("10%").exceeded(6, 50)
    assert Limit.parse("0").exceeded(1, 10)
    with pytest.raises(UsageError):
        Limit.parse("many")
