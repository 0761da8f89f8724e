from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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
