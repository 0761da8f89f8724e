"""put, get and sync as commands, against a real sshd."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm import Proxy, Sshd, wait_until
from tests.files.commands import ROOT, Command, hosts, statuses
from tests.files.hosts import look
from tests.files.trees import a_directory, a_file, lay

TREE = {
    "a": a_file(b"a" * 100_000, mode=0o640),
    "d": a_directory({"x": a_file(b"x"), "l": ("link", "../a")}, mode=0o555, moment=9),
    "e": a_directory({}, mode=0o700),
    "h": ("hard",),
}


@pytest.fixture(scope="module")
def verbose() -> Iterator[Sshd]:
    """Its log names every command that is executed."""
    with Sshd(log_level="VERBOSE") as server:
        yield server


@pytest.fixture(scope="module")
def sftp_only() -> Iterator[Sshd]:
    with Sshd(config=["ForceCommand internal-sftp"]) as server:
        yield server


def test_the_second_run_is_one_round_trip_a_host(verbose: Sshd, command: Command, tmp_path: Path) -> None:
    """This repository to 20 hosts, twice; one of them behind a relay that counts. Then a change, which takes
    no more commands than that."""
    source = tmp_path / "src"
    lay(source, TREE)
    shutil.copytree(ROOT / "hostpool", source / "checkout", ignore=shutil.ignore_patterns("__pycache__"))
    words = ["sync", "--subst", *hosts(verbose, 20, tmp_path), "all", "src/", f"{tmp_path}/%n"]
    with Proxy("127.0.1.7", verbose.port) as proxy:
        with verbose.known_hosts.open("a") as known:
            known.write(f"[{proxy.address}]:{proxy.port} {verbose.host_key}\n")
        inventory = tmp_path / "inventory.ini"
        through = f"ansible_host={proxy.address} ansible_port={proxy.port}"
        inventory.write_text(inventory.read_text().replace("ansible_host=127.0.1.7\n", f"{through}\n"))
        assert statuses(command(*words)) == {"changed"}
        assert all(look(tmp_path / f"h{n:03}") == look(source) for n in (1, 7, 20))
        sent = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
        assert proxy.up > sent
        commands, up = verbose.log().count("Starting session: command"), proxy.up
        again = command(*words)
        assert (again.returncode, statuses(again)) == (0, {"ok"})
        assert verbose.log().count("Starting session: command") - commands == 20
        assert proxy.up - up < 16_000 < sent / 50, "a login and a question, no file"
        (source / "checkout/__init__.py").write_text("new = True\n")
        (source / "checkout/more.py").write_text("new = True\n")
        commands, up = verbose.log().count("Starting session: command"), proxy.up
        third = command(*words)
        assert (third.returncode, statuses(third)) == (0, {"changed"})
        assert verbose.log().count("Starting session: command") - commands == 20
        assert proxy.up - up < 32_000
        assert all(look(tmp_path / f"h{n:03}") == look(source) for n in range(1, 21))
    for done, sent_each in ((again, (0, 0)), (third, (2, 22))):
        results = json.loads(done.stdout)["hosts"].values()
        assert {(each["result"]["sent"], each["result"]["bytes"]) for each in results} == {sent_each}


def test_one_file_has_another_name_on_each_host(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    """It is read and packed once for all that take it under the same name, and only for those."""
    (tmp_path / "src").write_text("text")
    words = ["put", "--subst", *hosts(sshd, 6, tmp_path), "--workers", "2", "all"]
    assert statuses(command(*words, "src", f"{tmp_path}/copy-%n")) == {"changed"}
    assert statuses(command(*words, "-", f"{tmp_path}/stdin-%n", stdin="other")) == {"changed"}
    for number in range(1, 7):
        assert (tmp_path / f"copy-h{number:03}").read_text() == "text"
        assert (tmp_path / f"stdin-h{number:03}").read_text() == "other"


def test_check_changes_nothing(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", TREE)
    done = command("sync", *hosts(sshd, 1, tmp_path), "all", "src/", f"{tmp_path}/dest", "-C")
    result = json.loads(done.stdout)["hosts"]["h001"]
    assert result["status"] == "changed" and "+ d/x\n" in result["stdout"]
    assert not (tmp_path / "dest").exists()


def test_filters_keep_their_order(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"keep.c": a_file(), "drop.c": a_file(), "x.o": a_file()})
    (tmp_path / "rules").write_text("# objects\n*.o\n")
    words = ["--include=keep.c", "--exclude", "*.c", "--exclude-from", "rules"]
    command("sync", *hosts(sshd, 1, tmp_path), *words, "all", "src/", f"{tmp_path}/dest")
    assert [path.name for path in (tmp_path / "dest").iterdir()] == ["keep.c"]


def test_put_from_standard_input(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    words = ["put", *hosts(sshd, 1, tmp_path), "all", "-", f"{tmp_path}/there", "--mode", "600"]
    assert statuses(command(*words, stdin="text")) == {"changed"}
    assert (tmp_path / "there").read_text() == "text" and (tmp_path / "there").stat().st_mode & 0o777 == 0o600
    assert statuses(command(*words, stdin="text")) == {"ok"}


def test_get(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "remote", {"a.log": a_file(b"a"), "b.log": a_file(b"b"), "c": a_file()})
    words = ["get", *hosts(sshd, 2, tmp_path), "all", f"{tmp_path}/remote/*.log", "out"]
    assert statuses(command(*words)) == {"changed"}
    assert statuses(command(*words)) == {"ok"}
    assert sorted(path.name for path in (tmp_path / "out/h002").iterdir()) == ["a.log", "b.log"]
    command("get", "--flat", *words[1:-1], "flat")
    assert sorted(path.name for path in (tmp_path / "flat").iterdir()) == [
        "h001-a.log", "h001-b.log", "h002-a.log", "h002-b.log",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words, says",
    [
        (["sync", "all", "nowhere/", "/tmp/x"], "cannot read nowhere/"),
        (["sync", "--delete", "all", "empty/", "/tmp/x"], "is empty"),
        (["sync", "all", "empty"], "SRC and DEST"),
        (["put", "all", "-", "/tmp/"], "no name"),
        (["put", "--mode", "9", "all", "f", "/tmp/x"], "is no mode"),
        (["get", "all", "/etc/hosts"], "DESTDIR"),
    ],
)
def test_what_is_wrong_is_found_first(command: Command, tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    done = command(words[0], "-i", "h1,", *words[1:])
    assert done.returncode == 2 and says in done.stderr


def test_a_host_with_sftp_only(sftp_only: Sshd, command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", TREE)
    words = ["sync", *hosts(sftp_only, 1, tmp_path), "all", "src/", f"{tmp_path}/dest", "--delete"]
    assert statuses(command(*words)) == {"changed"}
    assert look(tmp_path / "dest") == look(tmp_path / "src")
    assert statuses(command(*words)) == {"ok"}
    (tmp_path / "dest/a").unlink()
    lay(tmp_path / "dest/a", {"in": a_file()})
    assert statuses(command(*words, "--max-delete", "100%")) == {"changed"}
    assert look(tmp_path / "dest") == look(tmp_path / "src")
    put = ["put", *hosts(sftp_only, 1, tmp_path), "all", "src/a", f"{tmp_path}/named"]
    assert [statuses(command(*put)) for _ in range(2)] == [{"changed"}, {"ok"}]
    get = ["get", *hosts(sftp_only, 1, tmp_path), "all", f"{tmp_path}/src/[ah]", f"{tmp_path}/src/d", "out"]
    assert [statuses(command(*get)) for _ in range(2)] == [{"changed"}, {"ok"}]
    assert (tmp_path / "out/h001/a").read_bytes() == b"a" * 100_000
    get = ["get", *hosts(sftp_only, 1, tmp_path)[:2], "all", f"{tmp_path}/src/[ah]"]
    result = json.loads(command(*get, "again", "-o", "json").stdout)["hosts"]["h001"]
    assert result["result"]["unverified"] is True and "unverified" in result["stdout"]
    plain = command(*get, "plain", "-o", "plain")
    assert ", unverified" in plain.stdout and "is unverified, but for its size" in plain.stderr
    assert (tmp_path / "out/h001/d/l").readlink() == Path("../a")


def test_a_lost_connection_leaves_the_old_state(sshd: Sshd, command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(os.urandom(2_000_000)), "b": a_file(b"newer")})
    lay(tmp_path / "dest", {"a": a_file(b"old"), "b": a_file(b"old")})
    with Proxy(sshd.address, sshd.port, cut_up=1_000_000) as proxy:
        inventory = sshd.inventory(1, tmp_path / "inventory.ini").read_text()
        inventory = inventory.replace(f"ansible_port={sshd.port}", f"ansible_port={proxy.port}")
        inventory = inventory.replace("ansible_host=127.0.1.1", f"ansible_host={proxy.address}")
        known = tmp_path / "known"
        known.write_text(f"[{proxy.address}]:{proxy.port} {sshd.host_key}\n")
        (tmp_path / "proxied.ini").write_text(inventory.replace(str(sshd.known_hosts), str(known)))
        done = command(
            "sync", "-i", str(tmp_path / "proxied.ini"), "-o", "json", "all", "src/", f"{tmp_path}/dest"
        )
    assert (done.returncode, statuses(done)) == (4, {"lost"})
    assert (tmp_path / "dest/a").read_bytes() == (tmp_path / "dest/b").read_bytes() == b"old"
    wait_until(lambda: not list(tmp_path.glob("**/.hostpool-*")), what="the host has tidied up")
    again = command("sync", *hosts(sshd, 1, tmp_path), "all", "src/", f"{tmp_path}/dest")
    assert statuses(again) == {"changed"} and look(tmp_path / "dest") == look(tmp_path / "src")


def test_interrupted_twice(sshd: Sshd, environment: dict[str, str], tmp_path: Path) -> None:
    """TERM on the host: what was on its way is gone, what was there is there."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(20 << 30)
    lay(tmp_path / "dest", {"large": a_file(b"old")})
    words = ["sync", *hosts(sshd, 1, tmp_path)[:2], "-o", "jsonl", "all", "large", f"{tmp_path}/dest"]
    run = subprocess.Popen(
        [sys.executable, "-m", "hostpool", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert run.stdout is not None
    interrupts = 0
    with run.stdout:
        for line in run.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and interrupts < 2:
                interrupts += 1
                run.send_signal(signal.SIGINT)
        assert event["event"] == "run_finished"
    assert run.wait(60) == 130
    assert (tmp_path / "dest/large").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "dest").iterdir()] == ["large"]
    assert not list((tmp_path / "tmp").glob("hostpool-*"))
