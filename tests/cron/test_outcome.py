"""When a cron job tells somebody."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.cli.outcome import Memory, Notice, Outcome, decide, load, names, save

GOOD, CHANGED = "", "changed"


def told(outcomes: list[str], *, every: float = 60.0, **options: float) -> list[Notice | None]:
    """One run after the other, ``every`` so many seconds; a text is the failure's signature."""
    memory, notices = Memory(), []
    for number, outcome in enumerate(outcomes):
        at = 1000.0 + number * every
        notice, memory = decide(
            memory,
            Outcome(
                started=at, ended=at + 1, exit_code=0, told="", command="", changed=outcome == CHANGED,
                signature="" if outcome == CHANGED else outcome,
            ),
            **options,  # type: ignore[arg-type]  # renotify and notify_after
        )  # fmt: skip
        notices.append(notice)
    return notices


def test_exactly_at_the_changes() -> None:
    assert told([GOOD, GOOD, "a", "a", GOOD, GOOD]) == [None, None, "failed", None, "recovered", None]


def test_another_failure_is_told_at_once() -> None:
    assert told(["a", "b", "b", "a", GOOD]) == ["failed", "failed", None, "failed", "recovered"]


def test_every_change_is_told() -> None:
    assert told([CHANGED, GOOD, CHANGED, CHANGED]) == ["changed", None, "changed", "changed"]
    assert told(["a", CHANGED]) == ["failed", "recovered"]


def test_a_failure_that_stays_is_told_again() -> None:
    assert told(["a"] * 5, every=3600, renotify=7200) == ["failed", None, "still", None, "still"]
    assert told(["a"] * 25, every=3600).count("still") == 1


def test_only_after_some_in_a_row() -> None:
    assert told(["a", "a", GOOD, "a", "b", "a", GOOD], notify_after=3) == [
        None, None, None, None, None, "failed", "recovered",
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([GOOD, CHANGED, "a", "b"]), max_size=30), st.integers(1, 4))
def test_every_told_failure_ends_with_a_recovery(outcomes: list[str], after: int) -> None:
    open_failure = False
    for outcome, notice in zip(outcomes, told(outcomes, notify_after=after), strict=True):
        well = outcome in (GOOD, CHANGED)
        assert (notice == "recovered") == (open_failure and well)
        if well:
            open_failure = False
        elif notice is not None:
            open_failure = True
        if outcome == CHANGED:
            assert notice in ("changed", "recovered")


def test_a_memory_comes_back_and_a_broken_one_is_empty(tmp_path: Path) -> None:
    _, memory = decide(
        Memory(), Outcome(started=1.0, ended=2.0, exit_code=3, told="x", command="c", signature="s")
    )
    save(tmp_path / "a.json", memory)
    assert load(tmp_path / "a.json") == memory
    (tmp_path / "b.json").write_text("{")
    assert load(tmp_path / "b.json") == load(tmp_path / "c.json") == Memory()
    assert list(names([tmp_path, tmp_path / "none"])) == ["a", "b"]


def test_when_the_next_run_is_expected() -> None:
    assert Memory(starts=(0.0, 60.0, 121.0, 180.0)).next_expected == 240.0
    assert Memory(starts=(1.0,)).next_expected is None
