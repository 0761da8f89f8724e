"""The recipes of docs/cron.md run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.history.conftest import Fleet

PAGE = (ROOT / "docs/cron.md").read_text("utf-8")
RECIPES = re.findall(r"^```sh test\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment_of_a_shell(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    programs = tmp_path / "bin"
    programs.mkdir()
    hostpool = programs / "hostpool"
    hostpool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hostpool "$@"\n')
    hostpool.chmod(0o755)
    return {**environment, "PATH": f"{programs}:{environment['PATH']}"}


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_a_recipe(
    number: int, fleet: Fleet, workdir: Path, environment_of_a_shell: dict[str, str], tmp_path: Path
) -> None:
    inventory = fleet("web1", "web2")
    recipe = RECIPES[number].replace("/etc/hostpool/hosts.yml", inventory)
    if "hostpool show 2" in recipe:
        recipe = f"hostpool ping -i {inventory} all\n{recipe}"
    script = tmp_path / "recipe.sh"
    script.write_text(recipe)
    done = subprocess.run(
        ["sh", "-eu", str(script)], cwd=workdir, env=environment_of_a_shell, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 6
