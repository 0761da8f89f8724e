"""Time expressions: what cron takes is taken, what it refuses is refused, and systemd means the same."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.cli.crontab import parse
from hostpool.errors import UsageError


@pytest.mark.parametrize(
    ("text", "calendar"),
    [
        ("* * * * *", ["*-*-* *:*:00"]),
        ("*/20 * * * *", ["*-*-* *:00,20,40:00"]),
        ("5 4 * * sun", ["Sun *-*-* 04:05:00"]),
        ("5 4 * * 7", ["Sun *-*-* 04:05:00"]),
        ("0 22 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 22:00:00"]),
        ("0 0 1,15 * fri", ["*-*-01,15 00:00:00", "Fri *-*-* 00:00:00"]),
        ("0 0 */10 * fri", ["Fri *-*-01,11,21,31 00:00:00"]),
        ("23 0-20/10 * JAN-mar *", ["*-01,02,03-* 00,10,20:23:00"]),
        ("@daily", ["*-*-* 00:00:00"]),
        ("@hourly", ["*-*-* *:00:00"]),
        ("0 0 29 2 *", ["*-02-29 00:00:00"]),
    ],
)
def test_what_it_means(text: str, calendar: list[str]) -> None:
    assert parse(text).calendar() == calendar
    assert parse(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *", "5-1 * * * *", "5/10 * * * *", "a * * * *", "1,,2 * * * *", "-1 * * * *", "* * * * mo",
        "0 0 31 4 *", "0 0 30 feb *", "@reboot", "@often", "1.5 * * * *", "* * * mon *", "\uff11 * * * *",
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.hint


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789*/-, @monjau", max_size=20))
def test_anything_is_parsed_or_refused(text: str) -> None:
    try:
        schedule = parse(text)
    except UsageError:
        return
    assert schedule.calendar()


FIELD = st.sampled_from(["*", "*/2", "*/7", "1", "1-5", "1-5/2", "2,4"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@settings(max_examples=8, deadline=None)
@given(st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD).map(" ".join))
def test_systemd_takes_all_of_it(text: str) -> None:
    for calendar in parse(text).calendar():
        done = subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
