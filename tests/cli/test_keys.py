"""``hostpool keys scan`` and ``accept`` against real servers, from the table to the written line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships no types
import pytest

from tests.cli.conftest import Hostpool
from tests.farm import Refusing, Sshd

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEyf6aj9tc6tBOjJKh7v2ZWwE8DBgzbtCyJ4Ga2Il2Xr"
Inventory = Callable[..., str]


@pytest.fixture
def known_hosts(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.fixture
def config(tmp_path: Path, known_hosts: Path, sshd: Sshd) -> Path:
    """An ssh_config, which counts for jump hosts too."""
    path = tmp_path / "ssh_config"
    path.write_text(
        f"UserKnownHostsFile {known_hosts}\nGlobalKnownHostsFile none\nIdentityAgent none\n"
        f"IdentityFile {sshd.client_key}\n"
    )
    return path


@pytest.fixture
def inventory(sshd: Sshd, tmp_path: Path) -> Inventory:
    def make(*names: str, more: tuple[str, ...] = ()) -> str:
        addresses = sshd.addresses(len(names))
        lines = [f"{name} ansible_host={each}" for name, each in zip(names, addresses, strict=True)]
        path = tmp_path / "hosts.ini"
        variables = ["[all:vars]", f"ansible_user={sshd.user}"]
        lines = [f"{line} ansible_port={sshd.port}" for line in lines]
        path.write_text("\n".join([*lines, *more, *variables]) + "\n")
        return str(path)

    return make


def name_of(sshd: Sshd, number: int) -> str:
    return f"[{sshd.addresses(number)[-1]}]:{sshd.port}"


def fingerprint_of(sshd: Sshd) -> str:
    words = subprocess.run(
        ["ssh-keygen", "-lf", str(sshd.directory / "host_key.pub")],
        capture_output=True,
        text=True,
        check=True,
    )
    return words.stdout.split()[1]


def test_scan_shows_what_ssh_keyscan_would(
    hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path, sshd: Sshd
) -> None:
    hosts = inventory("new", "old", "moved")
    known_hosts.write_text(f"{name_of(sshd, 2)} {sshd.host_key}\n# mine\n{name_of(sshd, 3)} {OTHER_KEY}\n")
    before = known_hosts.read_text()
    ended = hostpool("keys", "scan", "-i", hosts, "-F", str(config), "all")
    assert ended.code == 3
    heading, *rows = ended.out.splitlines()
    assert heading.split() == ["HOST", "ADDRESS", "TYPE", "FINGERPRINT", "STATE"]
    assert [re.split(r"  +", row) for row in rows] == [
        ["new", f"{sshd.addresses(1)[0]}:{sshd.port}", "ssh-ed25519", fingerprint_of(sshd), "unknown"],
        ["moved", f"{sshd.addresses(3)[2]}:{sshd.port}", "ssh-ed25519", fingerprint_of(sshd),
         f"changed ({known_hosts}:3)"],
    ]  # fmt: skip
    assert "has CHANGED" in ended.err and f"ssh-keygen -f '{known_hosts}' -R" in ended.err
    assert known_hosts.read_text() == before
    shown = hostpool("keys", "scan", "-v", "-i", hosts, "-F", str(config), "old")
    assert shown.code == 0 and "  known" in shown.out


def test_a_revoked_key_fails_and_is_never_offered(
    hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path, sshd: Sshd
) -> None:
    known_hosts.write_text(f"@revoked * {sshd.host_key}\n")
    hosts = inventory("bad")
    ended = hostpool("keys", "scan", "-i", hosts, "-F", str(config), "-o", "json", "all")
    result = json.loads(ended.out)["hosts"]["bad"]
    assert (ended.code, result["error"]["kind"]) == (3, "host_key_revoked")
    assert [key["state"] for key in result["result"]["keys"]] == ["revoked"]
    listed = config.parent / "fingerprints"
    listed.write_text(fingerprint_of(sshd))
    again = hostpool(
        "keys", "accept", "-y", "--fingerprints", str(listed), "-i", hosts, "-F", str(config), "all"
    )
    assert again.code == 3 and known_hosts.read_text().count("\n") == 1


def test_a_list_of_revoked_keys(
    hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path, sshd: Sshd
) -> None:
    hosts = inventory("bad")
    known_hosts.write_text(f"{name_of(sshd, 1)} {sshd.host_key}\n")
    revoked = config.parent / "revoked"
    revoked.write_text(f"{sshd.host_key}\n")
    option = ("--ssh-option", f"RevokedHostKeys={revoked}")
    ended = hostpool("run", *option, "-i", hosts, "-F", str(config), "-o", "json", "all", "true")
    assert json.loads(ended.out)["hosts"]["bad"]["error"]["kind"] == "host_key_revoked"
    revoked.write_text("no key\n")
    broken = hostpool("run", *option, "-i", hosts, "-F", str(config), "all", "true")
    assert broken.code == 2 and f"{revoked}:1" in broken.err


def test_unreachable_hosts_are_reported_like_in_any_run(
    hostpool: Hostpool, inventory: Inventory, config: Path
) -> None:
    with Refusing() as nobody:
        more = (f"gone ansible_host={nobody.address} ansible_port={nobody.port}",)
        hosts = inventory("new", more=more)
        ended = hostpool("keys", "scan", "-i", hosts, "-F", str(config), "--retries", "0", "all")
    assert ended.code == 4
    assert "gone unreachable: connection refused by" in ended.err and "1 ok, 1 unreachable" in ended.err
    assert "new " in ended.out


class TestAccept:
    def test_with_fingerprints_only_those_are_written_each_once(
        self, hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path, sshd: Sshd
    ) -> None:
        hosts = inventory("a", "b", "moved")
        known_hosts.write_text(f"{name_of(sshd, 3)} {OTHER_KEY}")
        listed = config.parent / "fingerprints"
        listed.write_text(f"# from the console\n\n256 {fingerprint_of(sshd)} root@a (ED25519)\n")
        accept = (
            "keys",
            "accept",
            "-y",
            "--fingerprints",
            str(listed),
            "-i",
            hosts,
            "-F",
            str(config),
            "all",
        )
        ended = hostpool(*accept)
        assert ended.code == 3, ended.err
        assert "2 keys of 2 hosts accepted" in ended.err and "Changed keys are not accepted" in ended.err
        expected = [OTHER_KEY.split()[1], *[sshd.host_key.split()[1]] * 2]
        assert [line.split()[2] for line in known_hosts.read_text().splitlines()] == expected
        assert hostpool(*accept).code == 3
        assert len(known_hosts.read_text().splitlines()) == 3
        assert hostpool("run", "-i", hosts, "-F", str(config), "a,b", "true").code == 0

    def test_what_is_not_listed_is_not_accepted(
        self, hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path
    ) -> None:
        listed = config.parent / "fingerprints"
        listed.write_text("SHA256:" + "A" * 43 + "\n")
        ended = hostpool(
            "keys",
            "accept",
            "-y",
            "--fingerprints",
            str(listed),
            "-i",
            inventory("a"),
            "-F",
            str(config),
            "all",
        )
        assert ended.code == 3 and not known_hosts.exists()
        assert "1 key not accepted" in ended.err

    def test_names_are_hashed_where_ssh_config_says_so(
        self, hostpool: Hostpool, inventory: Inventory, config: Path, known_hosts: Path, sshd: Sshd
    ) -> None:
        with config.open("a") as more:
            more.write("HashKnownHosts yes\n")
        listed = config.parent / "fingerprints"
        listed.write_text(fingerprint_of(sshd))
        hosts = inventory("a")
        ended = hostpool(
            "keys", "accept", "-y", "--fingerprints", str(listed), "-i", hosts, "-F", str(config), "all"
        )
        assert ended.code == 0 and known_hosts.read_text().startswith("|1|")
        assert hostpool("run", "-i", hosts, "-F", str(config), "all", "true").code == 0

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (("-y",), "needs the fingerprints"),
            ((), "asks at the terminal"),
            (("-y", "--fingerprints", "nowhere"), "cannot be read"),
            (("-y", "--fingerprints", "junk"), "junk:2: no SHA256 fingerprint"),
            (("-y", "--fingerprints", "junk", "-o", "json"), "keys scan"),
        ],
    )
    def test_what_cannot_be_confirmed_is_refused_before_any_host(
        self, call: Hostpool, workdir: Path, args: tuple[str, ...], words: str
    ) -> None:
        (workdir / "junk").write_text("# one\nMD5:aa\n")
        ended = call("keys", "accept", *args, "-i", "h1,", "all")
        assert ended.code == 2 and words in ended.err

    def test_one_question_for_all(
        self,
        inventory: Inventory,
        config: Path,
        known_hosts: Path,
        environment: dict[str, str],
        workdir: Path,
    ) -> None:
        hosts = inventory("a", "b")
        for answer, code, lines in (("n", 2, 0), ("y", 0, 2)):
            child = pexpect.spawn(
                sys.executable,
                ["-m", "hostpool", "keys", "accept", "-i", hosts, "-F", str(config), "all"],
                env=environment, cwd=str(workdir), encoding="utf-8", timeout=100, dimensions=(24, 160),
            )  # fmt: skip
            child.expect(r"Accept these 2 keys of 2 hosts\? \[y/N\] ")
            child.sendline(answer)
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == code
            written = known_hosts.read_text().splitlines() if known_hosts.exists() else []
            assert len(written) == lines


class TestBehindAJumpHost:
    @pytest.fixture
    def bastion(self, sshd: Sshd) -> Iterator[Sshd]:
        with Sshd() as server:
            # It lets the farm's one key in: a single identity for all hops.
            shutil.copy(sshd.client_key.with_suffix(".pub"), server.directory / "authorized_keys")
            yield server

    def test_its_own_key_comes_first_then_what_lies_behind(
        self,
        hostpool: Hostpool,
        inventory: Inventory,
        config: Path,
        known_hosts: Path,
        sshd: Sshd,
        bastion: Sshd,
    ) -> None:
        hosts = inventory("a", "b")
        jump = ("-J", f"{bastion.user}@{bastion.address}:{bastion.port}", "-F", str(config), "-i", hosts)
        assert "hostpool keys accept a`" in hostpool("run", *jump, "a", "true").err
        seen = hostpool("keys", "scan", *jump, "all")
        assert seen.code == 4
        assert len(seen.out.splitlines()) == 2 and "(jump host)" in seen.out
        assert "not looked at: the key of its jump host" in seen.err
        listed = config.parent / "fingerprints"
        listed.write_text(f"{fingerprint_of(bastion)}\n{fingerprint_of(sshd)}\n")
        ended = hostpool("keys", "accept", "-y", "--fingerprints", str(listed), *jump, "all")
        assert ended.code == 0, ended.err
        assert len(known_hosts.read_text().splitlines()) == 3
        assert hostpool("run", *jump, "all", "true").code == 0


def test_a_server_with_several_keys(
    hostpool: Hostpool, tmp_path: Path, config: Path, known_hosts: Path
) -> None:
    """All of them for an unknown host; for a known one its known key is enough, whichever it is."""
    keys = {kind: tmp_path / f"host_{kind}" for kind in ("rsa", "ecdsa")}
    for kind, path in keys.items():
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    with Sshd(config=[f"HostKey {path}" for path in keys.values()]) as server:
        args = ("-i", f"{server.address},", "--port", str(server.port), "-F", str(config), "all")
        ended = hostpool("keys", "scan", *args)
        types = [row.split()[2] for row in ended.out.splitlines()[1:]]
        assert sorted(types) == ["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-rsa"]
        rsa = " ".join(keys["rsa"].with_suffix(".pub").read_text().split()[:2])
        known_hosts.write_text(f"[{server.address}]:{server.port} {rsa}\n")
        again = hostpool("keys", "scan", "-v", *args)
        assert again.code == 0
        assert [row.split()[2] for row in again.out.splitlines()[1:]] == ["ssh-rsa"]
