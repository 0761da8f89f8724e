"""The command line as a process of its own, in an empty home and directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hostpool.events import Event, from_json

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[Event]:
        return [from_json(line) for line in self.out.splitlines()]


Hostpool = Callable[..., Ended]


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def environment(tmp_home: Path) -> dict[str, str]:
    """What a process of ours gets: the empty home, this very hostpool from anywhere, and no system log
    to fill."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "HOSTPOOL_SYSLOG": "off"}


@pytest.fixture
def hostpool(workdir: Path, environment: dict[str, str]) -> Hostpool:
    """Runs ``hostpool`` to its end, with an empty standard input and no terminal."""

    def run(*args: str, stdin: str = "", timeout: float = 100, **extra: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "hostpool", *args],
            input=stdin,
            capture_output=True,
            text=True,
            env={**environment, **extra},
            timeout=timeout,
            start_new_session=True,  # no terminal to ask at
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def call(workdir: Path, tmp_home: Path, capfd: pytest.CaptureFixture[str]) -> Hostpool:
    """The command line in this process: quick, for what reaches no host."""
    from hostpool.cli.app import main

    def run(*args: str) -> Ended:
        capfd.readouterr()
        code = main(args)
        sys.stdout.flush()
        captured = capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    return run
