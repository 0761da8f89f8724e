from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.commands import ROOT, Command
from tests.files.hosts import GNU, Host, busybox
from tests.files.trees import unlay


@pytest.fixture(scope="module", params=["gnu", "busybox"])
def userland(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """PATH and shell of a host."""
    if request.param == "gnu":
        yield GNU, "/bin/sh"
        return
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # another user may be the host's
        yield busybox(Path(directory)), f"{directory}/sh"


@pytest.fixture
def host(userland: tuple[str, str], tmp_path: Path) -> Iterator[Host]:
    home = tmp_path / "home"
    home.mkdir()
    made = Host(home, *userland)
    yield made
    made.transfers.close()
    assert not list(home.glob("**/.hostpool-*")), "temporaries are left on the host"
    unlay(home)


@pytest.fixture
def environment(tmp_home: Path, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp"), "HOSTPOOL_SYSLOG": "no",
    }  # fmt: skip


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> Iterator[Command]:
    def run(*words: str, stdin: str = "", cwd: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hostpool", *words],
            input=stdin, capture_output=True, text=True, env=environment, timeout=100, cwd=cwd or tmp_path,
        )  # fmt: skip

    yield run
    assert not list((tmp_path / "tmp").glob("hostpool-*")), "the spool is left behind"
