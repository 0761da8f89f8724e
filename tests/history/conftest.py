"""The command line against hosts that are processes of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hostpool.history import FILE_NAME, History, Query, Run
from hostpool.results import HostResult
from tests.cli.conftest import environment, hostpool, workdir

__all__ = ["environment", "hostpool", "workdir"]


@pytest.fixture
def state(tmp_home: Path, environment: dict[str, str]) -> Path:
    """The state directory of the processes."""
    return tmp_home / ".local/state/hostpool"


@pytest.fixture
def file(state: Path) -> Path:
    return state / FILE_NAME


@pytest.fixture
def fleet(workdir: Path) -> Callable[..., str]:
    """Makes an inventory of local hosts; returns its path."""

    def make(*hosts: str, name: str = "hosts.yml") -> str:
        lines = ["all:", "  vars:", "    ansible_connection: local", "  hosts:"]
        lines += [f"    {json.dumps(host)}: {{}}" for host in hosts]
        path = workdir / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return make


Fleet = Callable[..., str]


def last_run(file: Path) -> Run:
    with History(file) as history:
        return history.run()


def all_runs(file: Path) -> list[Run]:
    with History(file) as history:
        return history.runs(Query())


def results_of(file: Path, number: int | None = None) -> dict[str, HostResult]:
    with History(file) as history:
        return {result.host: result for result in history.results(history.run(number))}
