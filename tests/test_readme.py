"""The examples of the README run: those marked ``test``, on the demo's fleet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.demo import Fleet

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|python) test\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SET_UP = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[:2]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(quirks=False) as running:
        yield running


@pytest.fixture
def place(fleet: Fleet, tmp_path: Path, tmp_home: Path) -> tuple[Path, dict[str, str]]:
    """A directory with the fleet's inventory in ./inventories, and a PATH with this hostpool on it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    hostpool = programs / "hostpool"
    hostpool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hostpool "$@"\n')
    hostpool.chmod(0o755)
    directory = tmp_path / "work"
    (directory / "inventories").mkdir(parents=True)
    shutil.copy(fleet.inventory_path, directory / "inventories" / "hosts.yml")
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    return directory, {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOSTPOOL_SYSLOG": "off"}


def test_there_are_examples() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "sh", "sh", "sh", "sh", "python"]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_examples_run(number: int, place: tuple[Path, dict[str, str]]) -> None:
    language, text = BLOCKS[number]
    directory, environment = place
    script = directory / f"example.{language}"
    script.write_text(text)
    words = ["sh", "-eu", str(script)] if language == "sh" else [sys.executable, str(script)]
    done = subprocess.run(
        words,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout


def test_it_begins_with_two_commands_for_a_fresh_clone() -> None:
    assert README.index(SET_UP[0]) < README.index(SET_UP[1]) < 700
    assert SET_UP[0].startswith("python3 -m venv ")
    assert SET_UP[0].endswith("hostpool demo\n")
    assert SET_UP[1] == "tests/run\n"
    assert os.access(ROOT / "tests/run", os.X_OK)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [link for link in links if not (ROOT / link).exists() and link != "docs/live.svg"]
    assert links and not missing


def test_every_room_is_described() -> None:
    rooms = {path.name for path in (ROOT / "hostpool").iterdir() if (path / "__init__.py").exists()}
    described = set(re.findall(r"`(\w+)/`", README.partition("## Developing")[2]))
    assert rooms <= described
