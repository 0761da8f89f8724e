"""put, get and sync as commands of their own processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.farm import Sshd

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def hosts(server: Sshd, number: int, tmp_path: Path) -> list[str]:
    return ["-i", str(server.inventory(number, tmp_path / "inventory.ini")), "-o", "json"]


def statuses(done: subprocess.CompletedProcess[str]) -> set[str]:
    assert done.stdout, done.stderr
    return {result["status"] for result in json.loads(done.stdout)["hosts"].values()}
