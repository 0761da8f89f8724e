"""How many programs a host starts for a transfer, counted: each costs it a millisecond."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hostpool.tasks import Sync
from tests.files.hosts import GNU, Host, look
from tests.files.trees import a_directory, a_file, lay

TOOLS = (
    "cat chcon chmod chown cp dd find getfacl grep head id ls mkdir mv perl rm rmdir setfacl sha256sum stat tar "
    "touch wc"
).split()


class Counted:
    """A host whose tools say that they were started."""

    def __init__(self, directory: Path, without: tuple[str, ...] = ()) -> None:
        self._log = directory / "log"
        tools = directory / "tools"
        tools.mkdir()
        for name in TOOLS:
            real = shutil.which(name, path=GNU)
            if real is not None and name not in without:
                tool = tools / name
                tool.write_text(f'#!/bin/sh\necho {name} >> {self._log}\nexec {real} "$@"\n')
                tool.chmod(0o755)
        home = directory / "home"
        home.mkdir()
        self.host = Host(home, str(tools))

    def programs(self, task: Sync) -> list[str]:
        self._log.write_text("")
        outcome = self.host.run(task)
        assert outcome.error is None, outcome
        return self._log.read_text().split()


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def tree(top: Path, directories: int = 5) -> Sync:
    """Files in directories, each of these with a time of its own."""
    inside = {"changes": a_file(b"old"), "stays": a_file(b"same")}
    lay(top, {f"d{n}": a_directory(inside, moment=1000 + n) for n in range(directories)})
    return Sync(f"{top}/", "dest")


def test_a_host_where_nothing_differs_starts_one(counted: Counted, tmp_path: Path) -> None:
    task = tree(tmp_path / "src")
    counted.programs(task)
    assert counted.programs(task) == ["find"]
    assert look(counted.host.home / "dest") == look(tmp_path / "src")


def test_two_where_the_find_is_another(tmp_path: Path) -> None:
    """One that is no link, on Linux, and knows no -printf: what it says of that is no failure."""
    counted = Counted(tmp_path)
    busybox = shutil.which("busybox")
    assert busybox is not None, "tests need busybox: apt-get install busybox"
    tool = tmp_path / "tools/find"
    tool.write_text(tool.read_text().replace("exec /usr/bin/find", f"exec {busybox} find"))
    task = tree(tmp_path / "src")
    counted.programs(task)
    counted.host.trips = 0
    assert counted.programs(task)[:4] == ["find", "find", "find", "stat"]
    assert counted.host.trips == 1
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
