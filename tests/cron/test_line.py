"""``hostpool cron line``: what it prints is what runs."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Hostpool
from tests.history.conftest import Fleet


def test_a_line(call: Hostpool, fleet: Fleet, workdir: Path) -> None:
    inventory = fleet("web1")
    words = "run", "-i", "hosts.yml", "all", "--", "df", "-h | grep 9%"
    ended = call("cron", "line", "*/10 * * * *", "disk", "--", *words)
    assert ended.code == 0, ended.err
    assert ended.out.count("\n") == 1
    when, command = ended.out[:13], ended.out[13:].replace(r"\%", "%")
    assert when == "*/10 * * * * "
    made = shlex.split(command)
    expected = ["run", "--cron", "disk", "-i", inventory, "all", "--", "df", "-h | grep 9%"]
    assert made[made.index("run") :] == expected
    assert Path(made[0]).is_absolute()


@pytest.mark.parametrize("spelling", ["-ihosts.yml", "--inventory=hosts.yml"])
def test_an_inventory_gets_its_whole_name(call: Hostpool, fleet: Fleet, spelling: str) -> None:
    inventory = fleet("web1")
    ended = call("cron", "line", "@daily", "n", "--", "hostpool", "run", spelling, "all", "true")
    assert inventory in ended.out, ended.err


def test_a_timer(call: Hostpool, fleet: Fleet) -> None:
    fleet("web1")
    words = "run", "-i", "hosts.yml", "all", "echo $HOME 5%"
    ended = call("cron", "line", "--systemd", "0 6 * * mon", "disk", "--", *words)
    timer, _, service = ended.out.partition("# hostpool-disk.service")
    assert parsed(timer)["Timer"]["OnCalendar"] == "Mon *-*-* 06:00:00"
    start = parsed("#" + service)["Service"]["ExecStart"]
    assert start.endswith('all "echo $$HOME 5%%"') and "--cron disk" in start


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    parser.read_string(text)
    return parser


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("* * * *", "n", "--", "run", "-i", "h,", "all", "true"), "4 fields"),
        (("* * * * *", "../n", "--", "run", "-i", "h,", "all", "true"), "is no NAME"),
        (("* * * * *", "n", "--", "run", "all", "true"), "inventory that is named"),
        (("* * * * *", "n", "--", "run", "-i", "h,", "-K", "all", "true"), "cannot ask"),
        (("* * * * *", "n", "--", "run", "-i", "h,", "--nonsense", "all", "true"), "no option --nonsense"),
        (("* * * * *", "n", "--", "run", "-i", "h,"), "needs hosts"),
        (("* * * * *", "n", "--", "inventory", "list"), "no command that runs on hosts"),
        (("* * * * *", "n"), "a command are needed"),
        (("* * * * *", "n", "--", "run", "-i", "h,", "all", "a\nb"), "line break"),
    ],
)
def test_what_is_refused(call: Hostpool, words: tuple[str, ...], said: str) -> None:
    ended = call("cron", "line", *words)
    assert ended.code == 2 and said in ended.err and ended.out == ""
