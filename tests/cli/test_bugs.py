"""A bug writes a report nobody else can read, without secrets, and names it."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pytest

from hostpool.cli import bugs, secrecy


@pytest.fixture
def known_secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(secrecy, "known_secrets", ["correct horse"])
    return "correct horse"


def caught() -> Exception:
    try:
        raise RuntimeError("login with correct horse, db_password=battery failed")
    except RuntimeError as error:
        return error


def test_report(tmp_home: Path, known_secret: str) -> None:
    said = bugs.report(caught(), ["run", "web", f"echo {known_secret} DB_PASSWORD=battery"])
    match = re.search(r"a report is in (\S+)", said)
    assert match is not None
    file = Path(match[1])
    assert file.parent == tmp_home / ".local/state/hostpool/reports"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "Traceback" in text and "RuntimeError" in text and "paramiko" in text
    assert "correct horse" not in text and "battery" not in text
    assert said.startswith("error: ") and "hint: " in said and "Traceback" not in said


def test_without_a_state_directory_it_goes_to_the_temporary_one(
    tmp_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_home / "blocked").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_home / "blocked"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert str(tmp_path / "hostpool-") in bugs.report(caught(), [])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_home / "blocked"))
    assert "could not be written" in bugs.report(caught(), [])


def test_the_program_ends_with_1_and_no_traceback(
    tmp_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from hostpool import __main__ as program

    def broken(argv: list[str]) -> int:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(program, "_guarded", broken)
    monkeypatch.setattr(sys, "argv", ["hostpool", "run"])
    assert program.main() == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: hostpool failed: KeyError; this is a bug")
    assert "Traceback" not in said.err


def test_interrupted_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from hostpool import __main__ as program

    def interrupted(argv: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_guarded", interrupted)
    monkeypatch.setattr(sys, "argv", ["hostpool"])
    assert program.main() == 130


def test_words_that_carry_secrets_are_masked(known_secret: str) -> None:
    assert secrecy.masked(["-e", "db_password=abc", "token: abc", "plain=abc", f"x{known_secret}x"]) == [
        "-e", "db_password=********", "token: ********", "plain=abc", "x********x",
    ]  # fmt: skip


def test_reports_are_not_written_into_a_readable_directory(tmp_home: Path) -> None:
    bugs.report(caught(), [])
    directory = tmp_home / ".local/state/hostpool/reports"
    assert directory.stat().st_mode & 0o077 == 0
