"""Becoming another user through real sudo, su and doas."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.errors import TaskFailed
from hostpool.messages import Become, Target
from hostpool.secrets import Secret
from hostpool.ssh import SSHContext
from tests.farm import Sshd, ThrowAwayUser
from tests.patience import promptly
from tests.ssh.conformance import AWKWARD
from tests.ssh.helpers import Output, command, connected, program, run, stop_when, target_for

pytestmark = pytest.mark.needs_root


@pytest.fixture
def user() -> Iterator[ThrowAwayUser]:
    with ThrowAwayUser() as made:
        yield made


def as_root(sshd: Sshd, login: ThrowAwayUser, password: str | None = None, **changes: object) -> Target:
    secret = None if password is None else Secret(password)
    fields = {"method": "sudo", **changes}
    return target_for(sshd, user=login.name, become=Become(password=secret, **fields))  # type: ignore[arg-type]  # literal


NOPASSWD = "ALL=(ALL) NOPASSWD: ALL"
PASSWORD = "ALL=(ALL) ALL"


class TestSudo:
    def test_without_a_password(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        user.allow_sudo(NOPASSWD)
        with connected(context, as_root(sshd, user)) as session:
            end, output = run(session, command("id -u; echo err >&2; exit 3"))
            assert (end.exit_code, output.stdout, output.stderr) == (3, b"0\n", b"err\n")

    def test_with_a_password(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        user.allow_sudo(PASSWORD)
        with connected(context, as_root(sshd, user, user.password)) as session:
            for _ in range(2):
                end, output = run(session, command("id -u; cat", stdin=b"data\n"))
                assert (end.exit_code, output.stdout, output.stderr) == (0, b"0\ndata\n", b"")

    def test_a_password_that_is_not_asked_for_reaches_nobody(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser, tmp_path: Path
    ) -> None:
        user.allow_sudo(NOPASSWD)
        with connected(context, as_root(sshd, user, user.password)) as session:
            end, output = run(session, command(f"tee {tmp_path}/copy", stdin=b"only this\n"))
            assert (end.exit_code, output.stdout) == (0, b"only this\n")
            assert (tmp_path / "copy").read_bytes() == b"only this\n"
            _, output = run(session, command("cat"))
            assert (output.stdout, output.stderr) == (b"", b"")

    def test_a_wrong_password(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        user.allow_sudo(PASSWORD)
        target = as_root(sshd, user, "not-it-at-all")
        with connected(context, target) as session, pytest.raises(TaskFailed) as caught:
            run(session, command("id -u"))
        assert caught.value.kind == "become_password"
        assert "refused the password" in caught.value.message
        assert "not-it-at-all" not in caught.value.message

    def test_no_password_where_one_is_wanted(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser
    ) -> None:
        user.allow_sudo(PASSWORD)
        with connected(context, as_root(sshd, user)) as session, pytest.raises(TaskFailed) as caught:
            run(session, command("id -u"))
        assert caught.value.kind == "become_refused"
        assert "a password is required" in caught.value.message
        assert "-K" in (caught.value.hint or "")

    def test_somebody_who_may_not(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        target = as_root(sshd, user, user.password)
        with connected(context, target) as session, pytest.raises(TaskFailed) as caught:
            run(session, command("id -u"))
        assert "sudoers" in caught.value.message

    def test_another_user(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        user.allow_sudo(NOPASSWD)
        with connected(context, as_root(sshd, user, user="nobody")) as session:
            end, output = run(session, command("id -un", chdir="/", env=(("X", "1"),)))
            assert (end.exit_code, output.stdout) == (0, b"nobody\n")

    def test_everything_a_request_can_have(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser
    ) -> None:
        user.allow_sudo(PASSWORD)
        text = "for each; do\n  printf '<%s>' \"$each\"\ndone\npwd\nprintf '%s' \"$VALUE\"\ncat"
        request = program(text, AWKWARD, "", stdin=b"\0rest", env=(("VALUE", AWKWARD),), chdir="/")
        with connected(context, as_root(sshd, user, user.password)) as session:
            end, output = run(session, request)
        assert end.exit_code == 0
        assert output.stdout == f"<{AWKWARD}><>/\n{AWKWARD}".encode() + b"\0rest"

    def test_raw_becomes_nobody(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        user.allow_sudo(NOPASSWD)
        with connected(context, as_root(sshd, user)) as session:
            _, output = run(session, command("id -un", raw=True))
        assert output.stdout.strip().decode() == user.name

    @pytest.mark.parametrize("rule", [NOPASSWD, PASSWORD])
    def test_with_a_terminal_asked_for(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser, rule: str
    ) -> None:
        user.allow_sudo(rule)
        with connected(context, as_root(sshd, user, user.password)) as session:
            request = command("tty >/dev/null && id -u", tty=True, env=(("X", AWKWARD),))
            end, output = run(session, request)
        assert (end.exit_code, output.stdout.replace(b"\r", b"").strip()) == (0, b"0")

    @pytest.mark.parametrize("flag", ["requiretty", "use_pty"])
    @pytest.mark.parametrize("rule", [NOPASSWD, PASSWORD])
    def test_terminals_that_the_host_wants(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser, flag: str, rule: str
    ) -> None:
        user.allow_sudo(rule)
        with user._rules.open("a") as rules:
            rules.write(f"Defaults:{user.name} {flag}\n")
        with connected(context, as_root(sshd, user, user.password)) as session:
            for _ in range(2):
                end, output = run(session, command("id -u; cat; exit 4"))
                assert (end.exit_code, output.stdout) == (4, b"0\n")
            data = bytes(range(256)) * 100
            end, output = run(session, program("cat\nexit 5", stdin=data))
            assert (end.exit_code, output.stdout == data) == (5, True)

    @pytest.mark.parametrize("flag", ["", "use_pty", "requiretty"])
    def test_stopped_it_is_gone(
        self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser, tmp_path: Path, flag: str
    ) -> None:
        user.allow_sudo(PASSWORD)
        if flag:
            with user._rules.open("a") as rules:
                rules.write(f"Defaults:{user.name} {flag}\n")
        mark = tmp_path / "mark"
        text = f"trap '' TERM; echo ready; while :; do echo x >> {mark}; sleep 0.1; done"
        with connected(context, as_root(sshd, user, user.password)) as session:
            output = Output()
            end = session.run(command(text), output, stop_when(output.came, grace=0.5))
            assert (end.stopped, end.still_running) == ("timeout", False)
            size = mark.stat().st_size
            time.sleep(0.4)
            assert mark.stat().st_size == size


class TestSu:
    def test_the_password_of_the_other(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        with ThrowAwayUser() as other:
            target = as_root(sshd, user, other.password, method="su", user=other.name)
            with connected(context, target) as session:
                end, output = run(session, command("id -un; cat; exit 3", stdin=b"data"))
                assert (end.exit_code, output.stdout) == (3, f"{other.name}\ndata".encode())

    def test_a_wrong_password(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        target = as_root(sshd, user, "not-it-at-all", method="su")
        with connected(context, target) as session, pytest.raises(TaskFailed) as caught:
            run(session, command("id -un"))
        assert caught.value.kind == "become_password"

    def test_root_needs_none(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        target = target_for(sshd, become=Become(user=user.name, method="su"))
        with connected(context, target) as session:
            end, output = run(session, command("id -un; exit 2"))
            assert (end.exit_code, output.stdout) == (2, f"{user.name}\n".encode())


@pytest.mark.skipif(not os.path.exists("/usr/bin/doas"), reason="doas is not installed")  # noqa: PTH110
class TestDoas:
    @pytest.fixture(autouse=True)
    def rules(self, user: ThrowAwayUser) -> Iterator[None]:
        path = Path("/etc/doas.conf")
        before = path.read_text() if path.exists() else None
        path.write_text(f"permit {user.name} as root\npermit nopass {user.name} as nobody\n")
        path.chmod(0o600)
        yield
        if before is None:
            path.unlink()
        else:
            path.write_text(before)

    def test_with_a_password(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        with connected(context, as_root(sshd, user, user.password, method="doas")) as session:
            end, output = run(session, command("id -u; exit 2"))
            assert (end.exit_code, output.stdout) == (2, b"0\n")

    def test_without(self, context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
        with connected(context, as_root(sshd, user, method="doas", user="nobody")) as session:
            end, output = run(session, command("id -un; cat", stdin=b"data"))
            assert (end.exit_code, output.stdout) == (0, b"nobody\ndata")


def test_stopped_at_the_prompt(context: SSHContext, sshd: Sshd, user: ThrowAwayUser) -> None:
    """A stop while sudo is still thinking sends nothing and leaves nothing."""
    from hostpool.errors import HostError
    from tests.ssh.helpers import stop_after

    user.allow_sudo(PASSWORD)
    target = as_root(sshd, user, "not-it-at-all")
    with connected(context, target) as session, promptly(), pytest.raises(HostError):
        session.run(command("id"), Output(), stop_after(0.3))
