"""The precedence of exit codes, as a table and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool import exit_codes
from hostpool.errors import HostpoolError, InventoryError, LockHeld, PoolBrokenError, Problems, UsageError
from hostpool.exit_codes import exit_code, largest_remote, of_error
from hostpool.results import GOOD, STATUSES, Status

counts_strategy = st.dictionaries(st.sampled_from(STATUSES), st.integers(0, 3))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, 0),
        ({"ok": 3, "changed": 1, "skipped": 2}, 0),
        ({"ok": 3, "failed": 1}, 3),
        ({"ok": 3, "timeout": 1}, 3),
        ({"failed": 3, "unreachable": 1}, 4),
        ({"failed": 3, "lost": 1}, 4),
        ({"failed": 3, "cancelled": 1}, 4),
        ({"lost": 1, "not_run": 1}, 5),
    ],
)
def test_table(counts: dict[Status, int], expected: int) -> None:
    assert exit_code(counts) == expected


@given(counts_strategy, st.booleans(), st.booleans())
def test_a_signal_wins_over_everything_a_host_can_say(
    counts: dict[Status, int], stopped: bool, changed: bool
) -> None:
    for signal, code in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)):
        assert exit_code(counts, interrupted=signal, stopped_early=stopped, changed_exit_code=changed) == code


@given(counts_strategy, st.booleans())
def test_zero_means_that_every_host_is_well(counts: dict[Status, int], changed: bool) -> None:
    code = exit_code(counts, changed_exit_code=changed)
    well = all(status in GOOD for status, count in counts.items() if count)
    assert (code in (0, 6)) == well
    assert (code == 6) == (well and changed and counts.get("changed", 0) > 0)


@given(counts_strategy, st.sampled_from(STATUSES))
def test_one_more_bad_host_never_improves_the_code(counts: dict[Status, int], status: Status) -> None:
    rank = {0: 0, 6: 1, 3: 2, 4: 3, 5: 4}
    more = {**counts, status: counts.get(status, 0) + 1}
    assert rank[exit_code(more)] >= rank[exit_code(counts)]


@given(st.sampled_from([0, 3, 4, 5, 6, 130, 143]), st.lists(st.none() | st.integers(0, 255)))
def test_largest_remote_never_hides_an_unknown_or_stopped_run(code: int, remote: list[int | None]) -> None:
    result = largest_remote(code, remote)
    known = [value for value in remote if value]
    if code in (4, 5, 130, 143) or not known:
        assert result == code
    else:
        assert result == max(known)


def test_errors() -> None:
    assert of_error(LockHeld("held")) == exit_codes.LOCK_HELD
    assert of_error(InventoryError("x")) == of_error(UsageError("x")) == exit_codes.USAGE
    assert of_error(Problems("2 problems", errors=(UsageError("a"), UsageError("b")))) == exit_codes.USAGE
    assert of_error(PoolBrokenError("x")) == of_error(HostpoolError("x")) == exit_codes.BUG
