"""How many programs a host starts for a transfer, counted: each costs it a millisecond."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hostpool.errors import TaskFailed
from hostpool.tasks import Sync
from hostpool.tasks.mirror.few import MOST_FILES
from tests.files.hosts import GNU, Host, look
from tests.files.trees import a_directory, a_file, lay

TOOLS = [
    "cat", "chcon", "chmod", "chown", "cp", "dd", "find", "getfacl", "grep", "head", "id", "ls", "mkdir",
    "mv", "perl", "rm", "rmdir", "setfacl", "sha256sum", "stat", "tar", "touch", "wc",
]  # fmt: skip


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

    def tool(self, name: str, does: str) -> None:
        """Another than the host has; ``does`` may end in the real one."""
        (self.host.home.parent / "tools" / name).write_text(f"#!/bin/sh\n{does}\n")

    def programs(self, task: Sync) -> list[str]:
        self._log.write_text("")
        outcome = self.host.run(task)
        assert outcome.error is None, outcome
        return self._log.read_text().split()


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def sync(top: Path) -> Sync:
    """Anew, or it would not look at the tree again."""
    return Sync(f"{top}/", "dest")


def tree(top: Path, directories: int = 5) -> Sync:
    """Files in directories, each of these with a time of its own."""
    inside = {"changes": a_file(b"old"), "stays": a_file(b"same")}
    lay(top, {f"d{n}": a_directory(inside, moment=1000 + n) for n in range(directories)})
    return Sync(f"{top}/", "dest")


def change(top: Path, moment: int = 77) -> None:
    """New content for one file of each directory, and no other change."""
    for file in top.glob("*/changes"):
        known = file.parent.stat()
        file.write_text(f"new {moment}\n")
        os.utime(file, (moment, moment))
        os.utime(file.parent, (known.st_mtime, known.st_mtime))


def change_and_more(top: Path) -> None:
    """And a new directory."""
    change(top)
    add(top / "more")


def add(directory: Path) -> None:
    known = directory.parent.stat()
    directory.mkdir()
    os.utime(directory.parent, (known.st_mtime, known.st_mtime))


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


def test_five_changed_files_in_five_directories_start_one_more(counted: Counted, tmp_path: Path) -> None:
    task = tree(tmp_path / "src")
    counted.programs(task)
    change(tmp_path / "src", 77)
    task = sync(tmp_path / "src")
    counted.host.trips = 0
    assert counted.programs(task) == ["find", "perl"]
    assert counted.host.trips == 2
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
    assert counted.programs(task) == ["find"]


def test_with_more_to_do_a_handful(counted: Counted, tmp_path: Path) -> None:
    """A directory that is new, or more files than perl unpacks as fast as tar."""
    counted.programs(tree(tmp_path / "src"))
    change_and_more(tmp_path / "src")
    assert counted.programs(sync(tmp_path / "src")) == ["find", "mkdir", "tar", "perl"]
    change(tmp_path / "src", 78)
    for number in range(MOST_FILES):
        (tmp_path / "src/more" / str(number)).write_text("new")
    os.utime(tmp_path / "src/more", ((counted.host.home / "dest/more").stat().st_mtime,) * 2)
    assert counted.programs(sync(tmp_path / "src")) == ["find", "mkdir", "tar", "perl"]
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
    assert counted.programs(sync(tmp_path / "src")) == ["find"]


def test_a_host_without_perl_has_one_more_for_each_directory(tmp_path: Path) -> None:
    counted = Counted(tmp_path, without=("perl",))
    task = tree(tmp_path / "src")
    counted.programs(task)
    change(tmp_path / "src", 77)
    task = sync(tmp_path / "src")
    found = counted.programs(task)
    assert sorted(found) == sorted(["find", "mkdir", "tar", "getfacl", *["mv"] * 5, "rm", *["touch"] * 6])
    assert look(counted.host.home / "dest") == look(tmp_path / "src")


REAL = 'exec /usr/bin/perl "$@"'


@pytest.mark.parametrize(
    "does",
    [
        "exit 255",
        "exit 3",
        "kill -9 $$",
        "echo well",
        "head -c 4000 >/dev/null",
        f"head -c 50 >/dev/null; {REAL}",
    ],
)
@pytest.mark.parametrize("make", [change, change_and_more])
def test_what_perl_leaves_undone_is_done_without_it(
    counted: Counted, tmp_path: Path, does: str, make: Callable[[Path], None]
) -> None:
    counted.programs(tree(tmp_path / "src"))
    make(tmp_path / "src")
    counted.tool("perl", does)
    counted.programs(sync(tmp_path / "src"))
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
    assert not list((counted.host.home / "dest").glob(".hostpool-*"))
    assert counted.programs(sync(tmp_path / "src")) == ["find"]


def test_what_perl_finds_done_is_done_without_it(counted: Counted, tmp_path: Path) -> None:
    counted.programs(tree(tmp_path / "src"))
    change_and_more(tmp_path / "src")
    counted.tool("perl", f"mv $3/t/d3/changes d3/; {REAL}")
    counted.programs(sync(tmp_path / "src"))
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
    assert counted.programs(sync(tmp_path / "src")) == ["find"]


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("inner", ["", "/deep"])
def test_nobody_leads_perl_out_of_dest(counted: Counted, tmp_path: Path, inner: str, more: bool) -> None:
    """Even who owns a directory and puts a link in its place once it has been looked at."""
    source, dest = tmp_path / "src", counted.host.home / "dest"
    lay(source, {"d": a_directory({"deep": a_directory({"f": a_file(b"1")}), "f": a_file(b"1")})})
    counted.programs(sync(source))
    for file in (source / "d/f", source / "d/deep/f"):
        file.write_bytes(b"new")
    if more:
        add(source / "more")
    outside = counted.host.home / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"theirs")
    (outside / "deep").mkdir()
    swap = f"mv {dest}/d{inner} {counted.host.home}/kept; ln -s {outside} {dest}/d{inner}"
    counted.tool("perl", f"{swap}; {REAL}")
    try:
        outcome = counted.host.run(sync(source))
    except TaskFailed as error:
        assert f"nothing was changed: cannot enter {dest}/d" in error.message
    else:
        assert outcome.error is not None
        assert "d/deep/f" in outcome.error.message + str(outcome.result)
    assert (outside / "f").read_bytes() == b"theirs"
    assert sorted(path.name for path in outside.rglob("*")) == ["deep", "f"]


def test_acls_are_not_perls_business_but_it_sees_them(counted: Counted, tmp_path: Path) -> None:
    task = tree(tmp_path / "src")
    counted.programs(task)
    changed = counted.host.home / "dest/d3/changes"
    for file in (changed, changed.with_name("stays")):
        subprocess.run(["setfacl", "-m", "u:65534:r", file], check=True)
    before = subprocess.run(["getfacl", "-pn", changed], capture_output=True, check=True).stdout
    change(tmp_path / "src", 77)
    assert {"perl", "getfacl", "mv", "setfacl"} <= set(counted.programs(sync(tmp_path / "src")))
    assert subprocess.run(["getfacl", "-pn", changed], capture_output=True, check=True).stdout == before
    subprocess.run(["setfacl", "-b", changed], check=True)
    change(tmp_path / "src", 78)
    assert counted.programs(sync(tmp_path / "src")) == ["find", "perl"]


@pytest.mark.skipif(os.getuid() != 0, reason="gives files away")
def test_owners_of_others_are_not_perls_business(counted: Counted, tmp_path: Path) -> None:
    counted.programs(tree(tmp_path / "src"))
    change(tmp_path / "src", 77)
    theirs = counted.host.home / "dest/d3/changes"
    os.chown(theirs, 4242, 4343)
    assert {"perl", "mv", "chown"} <= set(counted.programs(sync(tmp_path / "src")))
    assert (theirs.stat().st_uid, theirs.stat().st_gid) == (4242, 4343)
    assert look(counted.host.home / "dest") == look(tmp_path / "src")
