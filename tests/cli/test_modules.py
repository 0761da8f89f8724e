"""``hostpool modules``: the list, one page, for people and for programs."""

from __future__ import annotations

import io
import json

import pytest

from hostpool.cli.app import main
from hostpool.tasks.modules.docs import pages
from hostpool.views.manual import show


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_list_has_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(pages())
    assert main(["modules", "-o", "json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == sorted(pages())


@pytest.mark.parametrize("name", ["group", "ansible.builtin.group"])
def test_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modules", name]) == 0
    text = capsys.readouterr().out
    assert text.startswith("group: a group exists")
    assert "  gid (number): its number\n" in text
    assert "  local: not supported: the programs of libuser are not used\n" in text


def test_a_page_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modules", "user", "-o", "json"]) == 0
    page = json.loads(capsys.readouterr().out)
    password = next(each for each in page["parameters"] if each["name"] == "password")
    assert password["secret"]
    assert "local" in page["refused"]
    assert page["needs"]


def test_one_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modules", "grop"]) == 2
    assert "did you mean group?" in capsys.readouterr().err


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    show(pages()["group"], terminal)
    assert "\x1b[1mgroup" in terminal.getvalue()
    monkeypatch.setenv("TERM", "dumb")
    plain = Terminal()
    show(pages()["group"], plain)
    assert "\x1b" not in plain.getvalue()
