"""SFTP, with the real sftp(1) and scp(1)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hostpool.demo.layout import user_name
from tests.demo.conftest import Clients


@pytest.fixture
def home(clients: Clients) -> Path:
    return clients.home("cache1")


def test_put_get_and_the_rest(clients: Clients, home: Path, tmp_path: Path) -> None:
    data = os.urandom(10 * 1024 * 1024)
    (tmp_path / "up").write_bytes(data)
    (tmp_path / "up").chmod(0o640)
    batch = f"""
        mkdir d
        put -p {tmp_path}/up d/file
        rename d/file d/renamed
        ln -s renamed d/link
        get d/link {tmp_path}/down
        chmod 600 d/renamed
        ls -l d
        pwd
    """
    done = clients.sftp("cache1", batch)
    assert done.returncode == 0, done.stderr
    assert f"Remote working directory: {home}" in done.stdout
    assert (tmp_path / "down").read_bytes() == data == (home / "d/renamed").read_bytes()
    assert (home / "d/renamed").stat().st_mode & 0o777 == 0o600
    assert int((home / "d/renamed").stat().st_mtime) == int((tmp_path / "up").stat().st_mtime)
    assert (home / "d/link").readlink() == Path("renamed")
    cleared = clients.sftp("cache1", "rm d/link\nrm d/renamed\nrmdir d\n")
    assert cleared.returncode == 0 and not (home / "d").exists()


def test_a_file_sent_is_the_file_commands_see(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("words")
    assert (
        clients.sftp("web3", f"put {tmp_path}/f f\nput {tmp_path}/f {clients.home('web3')}/g").returncode == 0
    )
    assert clients.ssh("web3", "cat f; cat ~/g; rm f g").stdout == b"wordswords"


def test_scp_ends_well(clients: Clients, home: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("words")
    argv = ["scp", *clients.options("cache1", "-P"), str(tmp_path / "f"), f"{user_name()}@127.0.0.1:copied"]
    done = subprocess.run(argv, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert (home / "copied").read_text() == "words"


@pytest.mark.parametrize(
    "line",
    ["get /etc/passwd {tmp}/stolen", "put {tmp}/f {out}/f", "get way-out/f {tmp}/stolen", "ls /"],
)
def test_nothing_outside_the_host(clients: Clients, home: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "f").write_text("words")
    (tmp_path / "out").mkdir()
    way_out = home / "way-out"
    way_out.symlink_to(tmp_path)
    try:
        done = clients.sftp("cache1", line.format(tmp=tmp_path, out=tmp_path / "out"))
    finally:
        way_out.unlink()
    assert done.returncode == 1 and ("ermission denied" in done.stderr or "not found" in done.stderr)
    assert not (tmp_path / "stolen").exists() and not list((tmp_path / "out").iterdir())


def test_errors_have_their_reason(clients: Clients) -> None:
    done = clients.sftp("cache1", "get missing\n")
    assert done.returncode == 1 and "not found" in done.stderr
    clients.ssh("cache1", "mkdir full; : >full/x; : >full/y")
    assert clients.sftp("cache1", "rmdir full\n").returncode == 1
    assert clients.sftp("cache1", "rename full/x full/y\n").returncode == 1


def test_posix_rename_replaces(clients: Clients, home: Path) -> None:
    (home / "old").write_text("words")
    (home / "new").write_text("")
    with clients.transport("cache1") as transport, transport.open_sftp_client() as sftp:
        sftp.posix_rename("old", "new")
        sftp.truncate("new", 3)
    assert (home / "new").read_text() == "wor" and not (home / "old").exists()
