"""Frames fit the screen, whatever hosts are called and say."""

from __future__ import annotations

import time
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.events import Event, HostConnected, HostStarted, Output, RunStarted
from hostpool.views.live.cells import fit, padded, width
from hostpool.views.live.model import Model
from hostpool.views.live.render import Line, frame, last_line, share
from hostpool.views.words import seconds
from tests.views.support import RUN, START, faulty_runs, finished

SIZES = [(80, 24), (200, 50), (20, 5), (10, 2), (2, 1), (1, 1), (40, 12), (300, 8)]


def busy(hosts: int) -> Model:
    """A run of which a third is over."""
    names = tuple(f"web{n}" for n in range(hosts))
    model = Model()
    model.handle(RunStarted(ts=START, run=RUN, hosts=names, task="apt-get -y upgrade"))
    for n, host in enumerate(names[: hosts * 2 // 3]):
        model.handle(HostStarted(ts=START + n * 0.01, host=host))
        model.handle(HostConnected(ts=START + n * 0.01, host=host, seconds=0.2))
        model.handle(
            Output(ts=START + n * 0.01, host=host, stream="stdout", text=f"Unpacking 日本 {n} ...\n")
        )
        if n % 2:
            status = "failed" if n % 5 == 0 else "ok"
            model.handle(
                finished(host, ts=START + n * 0.01, status=status, exit_code=n % 5 or 1, stdout="done\n")
            )
    return model


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@settings(max_examples=25, deadline=None)
@given(run=faulty_runs())
def test_no_frame_exceeds_the_screen(columns: int, rows: int, run: tuple[list[str], list[Event]]) -> None:
    model = Model()
    for event in run[1]:
        model.handle(event)
        lines = texts(frame(model, columns, rows, event.ts + 1))
        assert 1 <= len(lines) <= max(1, rows - 1)
        assert all(width(line) <= max(2, columns - 1) for line in lines)
        assert all(category(character) != "Cc" for line in lines for character in line)


def test_a_screen_is_used_to_its_last_row_but_one() -> None:
    for columns, rows in ((80, 24), (200, 50)):
        assert len(frame(busy(500), columns, rows, START + 4)) == rows - 1


def test_what_is_on_it() -> None:
    lines = texts(frame(busy(60), 80, 24, START + 4))
    assert lines[0].startswith("apt-get -y upgrade ")
    assert lines[0].endswith(" 4 s")
    assert " 20/60" in lines[1]
    assert lines[1].endswith(" left")
    assert lines[2] == "16 ok  4 failed  20 running  20 waiting"
    assert lines[3] == "failures 4, latest first"
    assert lines[4].split() == ["web35", "exit", "1", "0.5", "s", "done"]
    assert lines[8] == "running 20, longest first"
    assert lines[9].split() == ["web0", "running", "4.0", "s", "Unpacking", "日本", "0", "..."]
    assert "done 16, latest first" in lines


def test_columns_go_before_the_host_does() -> None:
    model = busy(60)
    assert "running" not in texts(frame(model, 30, 24, START + 4))[9]
    assert texts(frame(model, 20, 24, START + 4))[9].startswith("web0")


@given(st.integers(0, 60), st.lists(st.integers(0, 80), min_size=3, max_size=3))
def test_rows_are_shared_out_without_waste(room: int, sizes: list[int]) -> None:
    shares = share(room, sizes)
    assert sum(shares) == min(room, sum(sizes))
    assert all(0 <= part <= size for part, size in zip(shares, sizes, strict=True))


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=60), st.integers(0, 40))
def test_text_is_cut_by_cells(text: str, cells: int) -> None:
    assert width(fit(text, cells)) <= cells
    assert width(padded(text, cells)) == cells
    if width(text) <= cells:
        assert fit(text, cells) == text


def test_wide_characters_are_never_halved() -> None:
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"
    assert padded("日本語", 4) == "日… "


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\n", "b"),
        ("10%\r20%\r", "20%"),
        ("a\n\n  \n", "a"),
        ("", ""),
        ("x\n\x1b[31mred\x1b[0m\n", "red"),
        ("x\n\x1b[0m\n", "x"),
        ("a\tb", "a b"),
    ],
)
def test_the_newest_line(text: str, line: str) -> None:
    assert last_line(text) == line


def test_durations() -> None:
    assert [seconds(value) for value in (0.04, 9.9, 9.96, 99.4, 99.6, 3599, 3600, 90000)] == [
        "0.0 s",
        "9.9 s",
        "10 s",
        "99 s",
        "1:40 min",
        "59:59 min",
        "1:00:00 h",
        "25:00:00 h",
    ]


def test_a_frame_of_a_thousand_hosts_costs_little() -> None:
    model = busy(1000)
    began = time.process_time()
    for n in range(50):
        frame(model, 200, 50, START + n / 10)
    assert (time.process_time() - began) / 50 < 0.005, "ten a second must stay below a twentieth of a core"
