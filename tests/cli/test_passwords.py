"""Passwords and questions at a real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships no types
import pytest

from hostpool.cli import passwords
from hostpool.cli.options import HostOptions
from hostpool.errors import ConfigError
from hostpool.secrets import Secret
from tests.farm import Sshd

Terminal = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def terminal(environment: dict[str, str], workdir: Path) -> Terminal:
    def start(*words: str) -> pexpect.spawn[str]:
        return pexpect.spawn(
            sys.executable, ["-m", "hostpool", *words],
            env=environment, cwd=str(workdir), encoding="utf-8", timeout=100, dimensions=(24, 120),
        )  # fmt: skip

    return start


def ended(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    status: int | None = child.exitstatus
    return status


def test_a_password_is_asked_once_and_not_echoed(terminal: Terminal, sshd: Sshd, workdir: Path) -> None:
    inventory = sshd.inventory(2, workdir / "hosts.ini")
    child = terminal("run", "-i", str(inventory), "-k", "-K", "-o", "plain", "all", "echo correct-horse")
    child.expect("SSH password: ")
    child.sendline("correct-horse")
    child.expect(r"BECOME password \(empty: the SSH password\): ")
    child.sendline("")
    child.expect(pexpect.EOF)
    assert "correct-horse" not in child.before
    assert "********" in child.before
    child.close()
    assert child.exitstatus == 0


def test_an_empty_password_is_refused(terminal: Terminal) -> None:
    child = terminal("run", "-i", "h1,", "-k", "all", "true")
    child.expect("SSH password: ")
    child.sendline("")
    child.expect("nothing was typed")
    assert ended(child) == 2


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_at_the_question(terminal: Terminal, key: str) -> None:
    child = terminal("run", "-i", "h1,", "-k", "all", "true")
    child.expect("SSH password: ")
    child.send(key)
    assert ended(child) == (130 if key == "\x03" else 2)


def test_become_on_many_hosts_is_asked_about(terminal: Terminal) -> None:
    words = ("run", "-i", "h[1-60],", "-b", "-T", "1", "--retries", "0", "all", "reboot")
    child = terminal(*words)
    child.expect(r"Run `reboot` as root on 60 hosts\? \[y/N\] ")
    child.sendline("n")
    child.expect("no host was touched")
    assert ended(child) == 2
    few = terminal("run", "-i", "h[1-60],", "-b", "-C", "all", "reboot")
    few.expect(pexpect.EOF)
    assert "[y/N]" not in few.before


def test_destinations_may_be_named_at_a_terminal(terminal: Terminal) -> None:
    child = terminal("run", "root@10.0.0.[1-3]", "--list-hosts")
    child.expect(pexpect.EOF)
    assert child.before.split() == ["root@10.0.0.1", "root@10.0.0.2", "root@10.0.0.3"]
    child = terminal("run", "all", "uptime")
    child.expect("no inventory")
    assert ended(child) == 2


def options(**said: object) -> HostOptions:
    return HostOptions(**said)  # type: ignore[arg-type]  # each test says one field of its type


def test_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "password"
    file.write_text("first line\nsecond\n")
    file.chmod(0o600)
    found = passwords.login_password(options(connection_password_file=str(file)))
    assert found == Secret("first line")
    assert passwords.become_password(options(become_password_file=str(file)), None) == found
    assert capfd.readouterr().err == ""
    file.chmod(0o644)
    passwords.login_password(options(connection_password_file=str(file)))
    assert f"chmod 600 {file}" in capfd.readouterr().err


def test_short_passwords_are_warned_about(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("abc\n")
    passwords.login_password(options(connection_password_file=str(file)))
    said = capfd.readouterr().err
    assert "not masked" in said and "abc" not in said


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\n"])
def test_files_without_a_password(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        passwords.login_password(options(connection_password_file=str(file)))
    assert caught.value.file == str(file)


def test_a_pipe_can_be_the_file(capfd: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"from a pipe\n")
    os.close(writer)
    found = passwords.login_password(options(connection_password_file=f"/dev/fd/{reader}"))
    os.close(reader)
    assert found == Secret("from a pipe")
    assert capfd.readouterr().err == ""
