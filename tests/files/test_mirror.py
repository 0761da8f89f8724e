"""sync and put against a shell and its tools: GNU's and BusyBox's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.batches import Limit
from hostpool.errors import TaskFailed
from hostpool.tasks import Get, Put, Sync
from tests.files.hosts import GNU, Host, look
from tests.files.trees import TREES, a_directory, a_file, lay, unlay

ALL = Limit(100, percent=True)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=TREES, after=TREES, there=TREES, checksum=st.booleans())
def test_what_is_here_is_there(
    userland: tuple[str, str],
    before: dict[str, Any],
    after: dict[str, Any],
    there: dict[str, Any],
    checksum: bool,
) -> None:
    """A first run onto whatever is there, edits here, a second run; then a third has nothing to do."""
    with tempfile.TemporaryDirectory() as directory:
        home, source = Path(directory, "home"), Path(directory, "source")
        home.mkdir()
        host = Host(home, *userland)
        lay(home / "dest", there)
        try:
            for tree in (before, after):
                lay(source, {"one": a_file(b"1", moment=7), **tree})
                task = Sync(f"{source}/", "dest", delete=True, max_delete=ALL, checksum=checksum)
                outcome = host.run(task)
                assert outcome.error is None, outcome
                assert look(home / "dest") == look(source)
            host.trips = host.sent = 0
            again = host.run(Sync(f"{source}/", "dest", delete=True, checksum=checksum))
            assert (again.status, again.changed) == ("ok", False), again.reply
            assert (host.trips, host.sent) == (1, 0)
            assert names(home) == ["dest"], "nothing but DEST is touched"
        finally:
            host.transfers.close()
            unlay(source)
            unlay(home)


def test_the_trailing_slash_is_rsyncs(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a")})
    host.run(Sync(f"{tmp_path}/src", "whole"))
    host.run(Sync(f"{tmp_path}/src/", "contents"))
    assert (host.home / "whole/src/a").read_bytes() == b"a"
    assert look(host.home / "contents") == look(tmp_path / "src")


def test_without_delete_nothing_goes(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a")})
    lay(host.home / "dest", {"b": a_file(b"b", mode=0o600), "d": a_directory({})})
    outcome = host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert outcome.status == "changed"
    assert names(host.home / "dest") == ["a", "b", "d"]


def test_delete_has_its_guards(host: Host, tmp_path: Path) -> None:
    files = {f"f{n}": a_file(b"x") for n in range(20)}
    lay(host.home / "dest", files)
    before = look(host.home / "dest")
    lay(tmp_path / "empty", {})
    with pytest.raises(TaskFailed, match="SRC is empty"):
        host.run(Sync(f"{tmp_path}/empty/", "dest", delete=True))
    lay(tmp_path / "src", {name: files[name] for name in list(files)[:10]})
    with pytest.raises(TaskFailed, match="10 of 21 entries"):
        host.run(Sync(f"{tmp_path}/src/", "dest", delete=True))
    assert look(host.home / "dest") == before
    host.run(Sync(f"{tmp_path}/src/", "dest", delete=True, max_delete=Limit(10)))
    assert look(host.home / "dest") == look(tmp_path / "src")


def test_what_is_excluded_is_protected(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a"), "x.log": a_file(b"log")})
    lay(
        host.home / "dest",
        {
            "old": a_directory({"keep.log": a_file(b"k"), "go": a_file(b"")}),
            "y.log": a_file(b"y"),
        },
    )
    filters = (("exclude", "*.log"),)
    host.run(Sync(f"{tmp_path}/src/", "dest", delete=True, max_delete=ALL, filters=filters))
    found = sorted(str(path.relative_to(host.home)) for path in host.home.rglob("*"))
    assert found == ["dest", "dest/a", "dest/old", "dest/old/keep.log", "dest/y.log"]


def test_check_foretells_and_changes_nothing(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new\n"), "same": a_file(b"")})
    lay(host.home / "dest", {"a": a_file(b"old\n", moment=4), "same": a_file(b"")})
    before = look(host.home / "dest")
    task = Sync(f"{tmp_path}/src/", "dest", diff=True)
    host.check = True
    foretold = host.run(task)
    assert foretold.reply is not None and look(host.home / "dest") == before
    assert foretold.reply.stdout == b"~ a\n"
    assert foretold.result is not None and "-old\n+new\n" in foretold.result["diff"]
    host.check = False
    real = host.run(task)
    assert (real.status, real.changed, real.result) == (foretold.status, foretold.changed, foretold.result)


def test_a_symlink_out_of_dest_is_never_written_through(host: Host, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    lay(outside, {"victim": a_file(b"mine")})
    lay(
        tmp_path / "src",
        {"d": a_directory({"victim": a_file(b"evil", mode=0o600, moment=6)}), "f": a_file(b"f")},
    )
    lay(host.home / "dest", {"d": ("link", str(outside)), "f": ("link", str(outside / "victim"))})
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert names(outside) == ["victim"] and (outside / "victim").read_bytes() == b"mine"


def test_symlink_loops_are_links_like_others(host: Host, tmp_path: Path) -> None:
    lay(
        tmp_path / "src",
        {"l": ("link", "l"), "up": ("link", ".."), "d": a_directory({"back": ("link", "../d")})},
    )
    host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "ok"


def test_a_directory_in_the_way_needs_delete(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a"), "b": a_file(b"b")})
    lay(host.home / "dest", {"a": a_directory({"inside": a_file(b"")})})
    outcome = host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert outcome.status == "failed" and outcome.result is not None and outcome.result["failed"] == ["a"]
    assert (host.home / "dest/b").read_bytes() == b"b", "what could be done is done"
    assert host.run(Sync(f"{tmp_path}/src/", "dest", delete=True, max_delete=ALL)).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")


def test_files_alike_become_names_of_one_file(host: Host, tmp_path: Path) -> None:
    """And the other way round: what is one file there is two files afterwards, if it is so here."""
    lay(tmp_path / "one", {"a": a_file(b"same"), "b": ("hard",)})
    lay(tmp_path / "two", {"a": a_file(b"same"), "b": a_file(b"same")})
    for name in ("two", "one", "two"):
        host.run(Sync(f"{tmp_path}/{name}/", "dest"))
        assert host.run(Sync(f"{tmp_path}/{name}/", "dest")).status == "ok"
    host.run(Sync(f"{tmp_path}/one/", "dest"))
    assert look(host.home / "dest") == look(tmp_path / "one")


def test_names_outside_of_what_is_sent_are_reported(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"b")})
    lay(host.home / "dest", {"a": a_file(b"older"), "b": a_file(b"old b")})
    (host.home / "outside").hardlink_to(host.home / "dest/a")
    host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert host.notes == ["other names of replaced files keep the old content: a"]
    assert (host.home / "outside").read_bytes() == b"older" and look(host.home / "dest") == look(
        tmp_path / "src"
    )


def test_what_is_no_file_is_named(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a"), "d": a_directory({})})
    os.mkfifo(tmp_path / "src/d/pipe")
    for status in ("changed", "ok"):
        outcome = host.run(Sync(f"{tmp_path}/src/", "dest"))
        assert outcome.status == status and outcome.result is not None and outcome.reply is not None
        assert outcome.result["skipped"] == ["d/pipe"]
        assert outcome.reply.stdout.endswith(b"skipped (pipe, socket or device): d/pipe\n")
    os.mkfifo(host.home / "dest/d/pipe")
    got = host.run(Get(("dest",), str(tmp_path / "out")))
    assert got.result is not None and got.result["skipped"] == [f"{host.home}/dest/d/pipe"]
    assert (tmp_path / "out/host/dest/a").read_bytes() == b"a"


def test_clocks_that_differ_do_not_matter(host: Host, tmp_path: Path) -> None:
    """Times are compared, never with now: of a host that is years ahead, of files from the future."""
    ahead = 3_900_000_000
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"b", moment=ahead), "d": a_directory({})})
    lay(host.home / "dest", {"a": a_file(b"old", moment=ahead), "b": a_file(b"b", moment=ahead - 1)})
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "ok"
    os.utime(tmp_path / "src/a", (7, 7))
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")


def test_a_link_to_itself_is_replaced(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"b")})
    lay(host.home / "dest", {"a": ("link", "a"), "b": a_file(b"b")})
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")


def test_in_place_keeps_the_file(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"b", mode=0o600)})
    lay(host.home / "dest", {"a": a_file(b"older", mode=0o600, moment=4)})
    inode = (host.home / "dest/a").stat().st_ino
    host.run(Sync(f"{tmp_path}/src/", "dest", in_place=True))
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert (host.home / "dest/a").stat().st_ino == inode


@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs setfacl: apt-get install acl")
def test_acls_of_replaced_files_stay(host: Host, tmp_path: Path) -> None:
    if host.path != GNU:
        pytest.skip("BusyBox has no ACLs")
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"new"), "c": a_file(b"new")})
    lay(host.home / "dest", {"a": a_file(b"older"), "b": a_file(b"older")})
    subprocess.run(["setfacl", "-m", "u:65534:r", host.home / "dest/a"], check=True)
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    shown = subprocess.run(["getfacl", "-pn", host.home / "dest/a"], capture_output=True, text=True).stdout
    assert "user:65534:r--" in shown and (host.home / "dest/a").read_bytes() == b"new"
    assert look(host.home / "dest") == look(tmp_path / "src")


@pytest.mark.needs_root
def test_owners_of_replaced_files_stay(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new", mode=0o4755), "b": a_file(b"new")})
    lay(host.home / "dest", {"a": a_file(b"older")})
    os.chown(host.home / "dest/a", 65534, 65534)
    host.run(Sync(f"{tmp_path}/src/", "dest"))
    known = (host.home / "dest/a").stat()
    assert (known.st_uid, known.st_gid, known.st_mode & 0o7777) == (65534, 65534, 0o4755)
    assert (host.home / "dest/b").stat().st_uid == 0


@pytest.mark.needs_root
def test_owner_is_given_and_kept(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a"), "d": a_directory({"s": a_file(b"s", mode=0o4755)})})
    for status in ("changed", "ok"):
        outcome = host.run(Sync(f"{tmp_path}/src/", "dest", owner="nobody", group="65534"))
        assert outcome.status == status
    owners = {path.lstat().st_uid for path in (host.home / "dest").rglob("*")}
    assert owners == {65534} and look(host.home / "dest") == look(tmp_path / "src")
    os.chown(host.home / "dest/a", 0, 0)
    assert host.run(Sync(f"{tmp_path}/src/", "dest", owner="nobody")).status == "changed"
    assert (host.home / "dest/a").stat().st_uid == 65534
    with pytest.raises(TaskFailed, match="knows no user"):
        host.run(Sync(f"{tmp_path}/src/", "dest", owner="no-such-user"))


def test_attributes_alone_leave_the_times(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a", mode=0o600), "d": a_directory({"b": a_file(b"b", moment=9)})})
    lay(host.home / "dest", {"a": a_file(b"a"), "d": a_directory({"b": a_file(b"b", moment=9)}, mode=0o700)})
    assert host.run(Sync(f"{tmp_path}/src/", "dest")).status == "changed"
    assert look(host.home / "dest") == look(tmp_path / "src")


def test_modes_can_be_changed_on_the_way(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"d": a_directory({"f": a_file(b"f", mode=0o600)}, mode=0o700)})
    for _ in range(2):
        outcome = host.run(Sync(f"{tmp_path}/src/", "dest", chmod="D755,F644"))
    assert outcome.status == "ok"
    found = look(host.home / "dest")
    assert (found["d"][1], found["d/f"][1]) == (0o755, 0o644)


@pytest.mark.parametrize(
    "dest, lands",
    [
        ("name", "name"),
        ("dir", "dir/f"),
        ("dir/", "dir/f"),
        ("new/", "new/f"),
        ("~/name", "name"),
        ("dir/f2", "dir/f2"),
    ],
)
def test_put_one_file(host: Host, tmp_path: Path, dest: str, lands: str) -> None:
    (host.home / "dir").mkdir()
    source = tmp_path / "f"
    source.write_text("text")
    assert host.run(Put((str(source),), dest)).status == "changed"
    assert (host.home / lands).read_text() == "text"
    host.sent = 0
    assert host.run(Put((str(source),), dest)).status == "ok" and host.sent == 0
    os.utime(source, (9, 9))
    assert host.run(Put((str(source),), dest)).status == "ok", "the content decides"
    assert host.run(Put((str(source),), dest, verify=False)).status == "changed", "size and time do"


def test_put_into_a_missing_directory_says_so(host: Host, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(TaskFailed, match="directory is not there"):
        host.run(Put((str(tmp_path / "f"),), "no/such/f"))


def test_put_several_with_a_mode(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a", mode=0o600), "t": a_directory({"b": a_file(b"b", mode=0o600)})})
    task = Put((f"{tmp_path}/src/a", f"{tmp_path}/src/t"), "there/", mode="F640")
    assert host.run(task).status == "changed"
    found = look(host.home / "there")
    assert (found["a"][1], found["t/b"][1]) == (0o640, 0o640)


def test_a_host_without_sha256_says_unverified(tmp_path: Path, userland: tuple[str, str]) -> None:
    path, shell = userland
    tools = tmp_path / "tools"
    tools.mkdir()
    for directory in path.split(":"):
        for tool in Path(directory).glob("*") if Path(directory).is_dir() else ():
            sums = "sha256" in tool.name or tool.name in ("shasum", "openssl")
            if not sums and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    home = tmp_path / "home"
    home.mkdir()
    host = Host(home, str(tools), shell)
    (tmp_path / "f").write_text("x")
    put = host.run(Put((str(tmp_path / "f"),), "f"))
    assert put.status == "changed" and put.result is not None and put.result["unverified"] is True
    assert any("unverified" in note for note in host.notes)
    assert host.run(Put((str(tmp_path / "f"),), "f")).status == "ok"
    got = host.run(Get(("f",), str(tmp_path / "out")))
    assert got.reply is not None and got.reply.stdout == b"1 file received (1 B), unverified\n"
    host.transfers.close()
