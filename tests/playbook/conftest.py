"""Playbooks on real hosts: ``play`` runs one with the program itself, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.farm import Sshd

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    def changed(self, host: str) -> int:
        return int(self.document["recap"][host]["changed"])


Play = Callable[..., Ended]


@pytest.fixture
def play(sshd: Sshd, tmp_path: Path, tmp_home: Path) -> Play:
    """Runs playbooks on two hosts h001 and h002 of the group farm; without ``-o``, as a document."""
    return playing(sshd, tmp_path)


def playing(sshd: Sshd, place: Path) -> Play:
    inventory = sshd.inventory(2, place / "hosts.ini")

    def run(*words: str | Path, timeout: float = 100) -> Ended:
        given = [str(word) for word in words]
        if "-o" not in given:
            given = ["-o", "json", *given]
        done = subprocess.run(
            [sys.executable, "-m", "hostpool", "play", "-i", str(inventory), "-F", "none", *given],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run
