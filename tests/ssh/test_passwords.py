"""Passwords, questions and several factors, asked by a real sshd with PAM."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from hostpool.messages import Target
from hostpool.secrets import Secret
from hostpool.ssh import SSHContext
from tests.farm import Sshd, ThrowAwayUser, wait_until
from tests.ssh.helpers import Desk, command, connected, refusal, run, target_for

pytestmark = pytest.mark.needs_root


@pytest.fixture(scope="module")
def user() -> Iterator[ThrowAwayUser]:
    with ThrowAwayUser() as made:
        yield made


def server(*methods: str, **settings: str) -> Sshd:
    chosen = {
        "UsePAM": "yes",
        "PasswordAuthentication": "yes",
        "KbdInteractiveAuthentication": "yes",
        **settings,
    }
    lines = [f"{name} {value}" for name, value in chosen.items()]
    if methods:
        lines.append(f"AuthenticationMethods {' '.join(methods)}")
    return Sshd(config=lines)


@pytest.fixture(scope="module")
def plain() -> Iterator[Sshd]:
    """Takes passwords, not questions."""
    with server(KbdInteractiveAuthentication="no") as made:
        yield made


@pytest.fixture(scope="module")
def asking() -> Iterator[Sshd]:
    """Takes answers to questions, not passwords."""
    with server(PasswordAuthentication="no") as made:
        yield made


def login(sshd: Sshd, user: ThrowAwayUser, password: str | None, **changes: object) -> Target:
    secret = None if password is None else Secret(password)
    return target_for(sshd, user=user.name, identity_files=(), password=secret, **changes)


def test_a_password(context: SSHContext, plain: Sshd, user: ThrowAwayUser) -> None:
    with connected(context, login(plain, user, user.password)) as session:
        assert session.alive


def test_a_wrong_password(context: SSHContext, plain: Sshd, user: ThrowAwayUser) -> None:
    before = plain.log().count("Failed password")
    error = refusal(context, login(plain, user, "not-it"), within=5)
    assert (error.kind, error.retryable) == ("auth_failed", False)
    assert "refused: the password" in error.message
    assert "not-it" not in error.message
    wait_until(lambda: plain.log().count("Failed password") > before, seconds=20)
    assert plain.log().count("Failed password") == before + 1


def test_no_password(context: SSHContext, plain: Sshd, user: ThrowAwayUser) -> None:
    error = refusal(context, login(plain, user, None), within=2)
    assert error.kind == "auth_failed"
    assert "no key and no password" in error.message


def test_keys_first_then_the_password(context: SSHContext, plain: Sshd, user: ThrowAwayUser) -> None:
    target = target_for(plain, user=user.name, password=Secret(user.password))
    with connected(context, target) as session:
        assert session.alive


def test_a_password_answers_a_question(
    context: SSHContext, desk: Desk, asking: Sshd, user: ThrowAwayUser
) -> None:
    with connected(context, login(asking, user, user.password)) as session:
        assert session.alive
    assert not desk.asked


def test_a_person_answers_a_question(
    context: SSHContext, desk: Desk, asking: Sshd, user: ThrowAwayUser
) -> None:
    desk.answers["Password:"] = user.password
    with connected(context, login(asking, user, None)) as session:
        assert session.alive
    kind, host, _, prompt, echo = desk.asked[0]
    assert (kind, host, echo) == ("prompt", "alpha", False)
    assert "Password:" in prompt


def test_nobody_answers(context: SSHContext, desk: Desk, asking: Sshd, user: ThrowAwayUser) -> None:
    error = refusal(context, login(asking, user, None), within=2)
    assert (error.kind, error.retryable) == ("auth_failed", False)
    assert "nobody is there to answer" in error.message
    assert len(desk.asked) == 1


def test_a_wrong_answer_is_given_once(
    context: SSHContext, desk: Desk, asking: Sshd, user: ThrowAwayUser
) -> None:
    error = refusal(context, login(asking, user, "not-it"), within=8)
    assert error.kind == "auth_failed"


def test_thinking_time_is_not_connecting_time(
    context: SSHContext, desk: Desk, asking: Sshd, user: ThrowAwayUser
) -> None:
    answer = desk.ask

    def slowly(kind: str, host: str, subject: str, prompt: str, echo: bool) -> Secret | None:
        time.sleep(5.5)
        return answer(kind, host, subject, prompt, echo)

    desk.answers["Password:"] = user.password
    context.ask = slowly
    with connected(context, login(asking, user, None, connect_timeout=5.0)) as session:
        assert session.alive


class TestTwoFactors:
    @pytest.fixture(scope="class")
    @classmethod
    def strict(cls) -> Iterator[Sshd]:
        with server("publickey,keyboard-interactive") as made:
            yield made

    def test_both(self, context: SSHContext, desk: Desk, strict: Sshd, user: ThrowAwayUser) -> None:
        desk.answers["Password:"] = user.password
        with connected(context, target_for(strict, user=user.name)) as session:
            assert session.alive

    def test_only_the_key(self, context: SSHContext, strict: Sshd, user: ThrowAwayUser) -> None:
        error = refusal(context, target_for(strict, user=user.name), within=2)
        assert error.kind == "auth_failed"
        assert "it takes keyboard-interactive" in error.message

    def test_only_the_password(self, context: SSHContext, strict: Sshd, user: ThrowAwayUser) -> None:
        error = refusal(context, login(strict, user, user.password), within=5)
        assert error.kind == "auth_failed"


def test_an_expired_password(context: SSHContext, plain: Sshd) -> None:
    with ThrowAwayUser() as other:
        subprocess.run(["chage", "-d", "0", other.name], check=True)
        target = login(plain, other, other.password)
        with connected(context, target) as session:  # PAM lets it in, sshd then runs nothing
            end, output = run(session, command("echo in"))
        assert end.exit_code == 1
        assert b"expired" in output.stderr
        assert output.stdout == b""


def test_a_locked_account(context: SSHContext, plain: Sshd) -> None:
    with ThrowAwayUser() as other:
        subprocess.run(["usermod", "-e", "1", other.name], check=True)
        error = refusal(context, login(plain, other, other.password), within=5)
        assert error.kind in ("auth_failed", "disconnected")
        assert not error.retryable
