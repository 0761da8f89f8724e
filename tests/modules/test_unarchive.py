"""unarchive by GNU's tools and by BusyBox's: hostile archives, what is there already, what is missing."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostpool.tasks.modules.writing import Content
from tests.modules.shell import Shell

TOOLS = ("tar", "gzip", "unzip")
TIME = 1_700_000_000
Entry = tuple[str, bytes, str]


@pytest.fixture(params=["gnu", "busybox"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return Shell(tmp_path, TOOLS, busybox=request.param == "busybox")


def tar(*entries: Entry) -> bytes:
    """Each is a name, tar's letter of its kind, and its content or where a link leads."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, kind, value in entries:
            member = tarfile.TarInfo(name)
            member.type, member.mtime = kind, TIME
            member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o640
            member.uid, member.gid = os.getuid(), os.getgid()
            content = value.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            member.linkname = "" if kind == tarfile.REGTYPE else value
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def packed(*entries: tuple[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6)), content)
    return data.getvalue()


def unpack(host: Shell, data: bytes, **more: Any) -> dict[str, Any]:
    dest = host.place / "dest"
    dest.mkdir(exist_ok=True)
    return host.run("unarchive", src="x", dest=str(dest), _content=Content.of(data), **more)


@pytest.mark.parametrize(
    "archive",
    [
        lambda: tar(("d", tarfile.DIRTYPE, ""), ("d/f", tarfile.REGTYPE, "x"), ("d/l", tarfile.SYMTYPE, "f")),
        lambda: packed(("d/f", "x"), ("d/.g", "y")),
    ],
    ids=["tar", "zip"],
)
def test_once_and_no_more(host: Shell, archive: Callable[[], bytes]) -> None:
    data = archive()
    dest = host.place / "dest"
    assert unpack(host, data, check=True)["changed"] is True
    assert list(dest.iterdir()) == []
    first = unpack(host, data)
    assert first["changed"] is True, first
    assert (dest / "d/f").read_text() == "x"
    before = dest.stat().st_mtime_ns
    assert unpack(host, data)["changed"] is False
    assert dest.stat().st_mtime_ns // 10**9 == before // 10**9
    (dest / "d/f").write_text("mine")
    (dest / "d/own").write_text("stays")
    assert unpack(host, data)["changed"] is True
    assert (dest / "d/f").read_text() == "x"
    assert (dest / "d/own").read_text() == "stays"


@pytest.mark.parametrize(
    "entries",
    [
        [("../out", tarfile.REGTYPE, "x")],
        [("/tmp/hostpool-out/out", tarfile.REGTYPE, "x")],
        [("l", tarfile.SYMTYPE, ".."), ("l/out", tarfile.REGTYPE, "x")],
        [("l", tarfile.SYMTYPE, "../out"), ("l", tarfile.REGTYPE, "x")],
    ],
    ids=["up", "absolute", "through a link", "over a link"],
)
def test_nothing_leads_out(host: Shell, entries: list[Entry]) -> None:
    unpack(host, tar(*entries))
    assert not (host.place / "out").exists()
    assert not Path("/tmp/hostpool-out").exists()
    assert [path.name for path in host.place.iterdir()] == ["dest"]


def test_a_zip_leads_nowhere_else(host: Shell) -> None:
    unpack(host, packed(("../out", "x"), ("in", "y")))
    assert [path.name for path in host.place.iterdir()] == ["dest"]


def test_links_that_are_there(host: Shell) -> None:
    """One to a directory of dest is used, one that leads out is not, one to a file is replaced."""
    dest, other = host.place / "dest", host.place / "other"
    for each in (dest, other, dest / "real"):
        each.mkdir()
    (dest / "inner").symlink_to("real")
    (dest / "f").symlink_to(other / "f")
    (other / "f").write_text("other")
    data = tar(("inner", tarfile.DIRTYPE, ""), ("inner/a", tarfile.REGTYPE, "a"), ("f", tarfile.REGTYPE, "f"))
    assert unpack(host, data)["changed"] is True
    assert (dest / "real/a").read_text() == "a"
    assert (dest / "inner").is_symlink()
    assert not (dest / "f").is_symlink()
    assert (other / "f").read_text() == "other"
    assert unpack(host, data)["changed"] is False
    (dest / "outer").symlink_to(other)
    got = unpack(host, tar(("outer", tarfile.DIRTYPE, ""), ("outer/a", tarfile.REGTYPE, "a")))
    assert "is a link that leads out of" in got["msg"], got
    assert not (other / "a").exists()


def test_a_directory_stays_one(host: Shell) -> None:
    (host.place / "dest/f/g").mkdir(parents=True)
    got = unpack(host, tar(("f", tarfile.REGTYPE, "x")))
    assert "is a directory, and no directory in the archive" in got["msg"], got
    assert (host.place / "dest/f/g").is_dir()


def test_newer_files_stay(host: Shell) -> None:
    data = tar(("f", tarfile.REGTYPE, "old"), ("g", tarfile.REGTYPE, "g"))
    unpack(host, data)
    (host.place / "dest/f").write_text("newer")
    assert unpack(host, data, keep_newer=True)["changed"] is False
    assert (host.place / "dest/f").read_text() == "newer"
    assert unpack(host, data)["changed"] is True


def test_some_of_it_with_a_mode(host: Shell) -> None:
    data = tar(("a", tarfile.REGTYPE, "a"), ("b", tarfile.REGTYPE, "b"), ("c é", tarfile.REGTYPE, ""))
    got = unpack(host, data, include=["a", "c é"], mode="0600", list_files=True)
    assert sorted(path.name for path in (host.place / "dest").iterdir()) == ["a", "c é"]
    assert (host.place / "dest/a").stat().st_mode & 0o777 == 0o600
    assert got["files"] == ["a", "c é"], got
    got = unpack(host, packed(("x", "x"), ("y", "y")), exclude=["y"], list_files=True)
    assert (got["changed"], got["files"]) == (True, ["x"]), got
    assert not (host.place / "dest/y").exists()


def test_what_is_no_archive(host: Shell) -> None:
    assert "0 bytes" in unpack(host, b"")["msg"]
    assert unpack(host, b"nothing of the kind\n" * 100)["failed"] is True
    assert unpack(host, tar(("f", tarfile.REGTYPE, "x" * 5000))[:-40])["failed"] is True
    assert list((host.place / "dest").iterdir()) == []


def test_what_is_missing(tmp_path: Path) -> None:
    host = Shell(tmp_path, ("tar",))
    assert unpack(host, packed(("f", "x")))["msg"].endswith("the host has no unzip to unpack it")
    assert unpack(host, b"\x28\xb5\x2f\xfd----")["msg"].endswith("the host has no zstd to unpack it")
    got = host.run("unarchive", src="/nowhere/x", dest=str(host.place), remote_src=True)
    assert "does not exist" in got["msg"]


def test_options_that_would_lead_out(host: Shell) -> None:
    for option in ("-P", "--absolute-names", "-C/", "--directory=/", "-xPf"):
        got = unpack(host, tar(("f", tarfile.REGTYPE, "x")), extra_opts=[option])
        assert "lead out" in got["msg"], option
