"""A wrong password is tried on one host at a time, three times, and then no more: accounts lock."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Hostpool
from tests.farm import Sshd, ThrowAwayUser

pytestmark = pytest.mark.needs_root


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(mode=0o600)
    return file


def _kinds(out: str) -> Counter[str]:
    hosts = json.loads(out)["hosts"].values()
    return Counter(host["error"]["kind"] if host["error"] else host["status"] for host in hosts)


def test_of_sudo(hostpool: Hostpool, sshd: Sshd, tmp_path: Path, password_file: Path) -> None:
    with ThrowAwayUser() as user:
        user.allow_sudo("ALL=(ALL) ALL")
        inventory = sshd.inventory(12, tmp_path / "hosts.ini")
        common = ["run", "-i", str(inventory), "-e", f"ansible_user={user.name}", "-o", "json", "-b"]
        args = [*common, "--become-password-file", str(password_file), "all", "id -un"]
        password_file.write_text("not-the-password\n")
        wrong = hostpool(*args, timeout=100)
        assert _kinds(wrong.out) == {"become_password": 3, "password_given_up": 9}, wrong.err
        assert wrong.code == 4 and "not-the-password" not in wrong.out + wrong.err
        password_file.write_text(f"{user.password}\n")
        right = hostpool(*args, timeout=100)
        assert _kinds(right.out) == {"ok": 12}, right.out
        assert {host["stdout"] for host in json.loads(right.out)["hosts"].values()} == {"root\n"}


def test_of_the_login(hostpool: Hostpool, tmp_path: Path, password_file: Path) -> None:
    config = ("UsePAM yes", "PasswordAuthentication yes", "PubkeyAuthentication no")
    with ThrowAwayUser() as user, Sshd(config=config) as sshd:
        inventory = sshd.inventory(8, tmp_path / "hosts.ini")
        common = ["run", "-i", str(inventory), "-e", f"ansible_user={user.name}", "-o", "json"]
        args = [*common, "--connection-password-file", str(password_file), "all", "id -un"]
        password_file.write_text("not-the-password\n")
        wrong = hostpool(*args, timeout=100)
        assert _kinds(wrong.out) == {"auth_failed": 3, "password_given_up": 5}, wrong.out
        password_file.write_text(f"{user.password}\n")
        right = hostpool(*args, timeout=100)
        assert _kinds(right.out) == {"ok": 8}, right.out
