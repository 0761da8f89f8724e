"""Somebody's own OpenSSH set-up, as it is: includes, a Match, two jumps, an encrypted key, a certificate,
a sudo password. What `ssh HOST` does with it, `hostpool run HOST` does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships no types
import pytest

from tests.farm import Sshd, ThrowAwayUser

PASSPHRASE = "correct horse battery"

pytestmark = pytest.mark.needs_root


def _keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, capture_output=True)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[tuple[Path, ThrowAwayUser]]:
    """The configuration to hand to -F, and the account it leads to."""
    _keygen("-t", "ed25519", "-N", "", "-f", f"{tmp_path}/ca")
    _keygen("-t", "ed25519", "-N", PASSPHRASE, "-f", f"{tmp_path}/work_key")
    trust = (f"TrustedUserCAKeys {tmp_path}/ca.pub",)
    tmp_path.chmod(0o755)
    with ThrowAwayUser() as user, Sshd() as first, Sshd() as second, Sshd(config=trust) as goal:
        user.allow_sudo("ALL=(ALL) ALL")
        key = f"{tmp_path}/work_key"
        _keygen("-s", f"{tmp_path}/ca", "-I", "me", "-n", user.name, "-V", "+1h", f"{key}.pub")
        known = tmp_path / "known_hosts"
        known.write_text("".join(server.known_hosts.read_text() for server in (first, second, goal)))
        parts = tmp_path / "conf.d"
        parts.mkdir()
        (parts / "10-jumps.conf").write_text(
            f"Host gate\n  HostName {first.address}\n  Port {first.port}\n  IdentityFile {first.client_key}\n"
            f"Host inner\n  HostName 127.0.1.2\n  Port {second.port}\n  IdentityFile {second.client_key}\n"
            f"  User {second.user}\nMatch host {first.address}\n  User {first.user}\n"
        )
        (parts / "20-goal.conf").write_text(
            f"Host app?\n  HostName 127.0.1.3\n  Port {goal.port}\n  ProxyJump gate,inner\n"
            f'Match originalhost app1 exec "test -d {tmp_path}"\n  User {user.name}\n'
            f"  IdentityFile {key}\n  IdentitiesOnly yes\n"
        )
        config = tmp_path / "config"
        config.write_text(
            f"Include {parts}/*.conf\n\nHost *\n  UserKnownHostsFile {known}\n"
            "  GlobalKnownHostsFile none\n  IdentityAgent none\n"
        )
        yield config, user


def test_it_works_unchanged(
    setup: tuple[Path, ThrowAwayUser], environment: dict[str, str], workdir: Path
) -> None:
    config, user = setup
    words = ["-m", "hostpool", "run", "-F", str(config), "-b", "-K", "app1", "id -un; echo from $SUDO_USER"]
    child = pexpect.spawn(sys.executable, words, env=environment, encoding="utf-8", timeout=100)
    child.expect("(?i)password.*: ?")
    child.sendline(user.password)
    child.expect("Passphrase for the key .*work_key: ?")
    child.sendline("wrong")
    child.expect("Passphrase for the key .*work_key: ?")
    child.sendline(PASSPHRASE)
    child.expect(pexpect.EOF)
    child.close()
    shown = child.before or ""
    assert child.exitstatus == 0, shown
    assert "root" in shown and f"from {user.name}" in shown
    assert user.password not in shown and PASSPHRASE not in shown


def test_without_a_terminal_it_fails_at_once_and_says_why(
    setup: tuple[Path, ThrowAwayUser], environment: dict[str, str], workdir: Path
) -> None:
    config, _ = setup
    done = subprocess.run(
        [sys.executable, "-m", "hostpool", "run", "-F", str(config), "-i", "app1,", "all", "true"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert done.returncode == 4
    assert "work_key is encrypted" in done.stderr and "ssh-add" in done.stderr
