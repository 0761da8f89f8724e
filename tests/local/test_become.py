"""Becoming another user on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hostpool.errors import TaskFailed
from hostpool.local import LocalSession
from hostpool.messages import Become, Target
from hostpool.tasks.session import Session
from tests.farm import ThrowAwayUser
from tests.patience import AMPLE
from tests.ssh.helpers import Output, command, program, run, stop_when
from tests.ssh.leftovers import nothing_left

pytestmark = pytest.mark.needs_root


@pytest.fixture
def user() -> Iterator[ThrowAwayUser]:
    with ThrowAwayUser() as made:
        yield made


@pytest.fixture(params=["sudo", "su"])
def session(request: pytest.FixtureRequest, user: ThrowAwayUser) -> Iterator[Session]:
    with nothing_left():
        become = Become(user=user.name, method=request.param)
        yield LocalSession(Target(name="localhost", connection="local", become=become), login=AMPLE)


def test_another_user(session: Session, user: ThrowAwayUser) -> None:
    end, output = run(session, command("id -un; cat; echo err >&2; exit 3", stdin=b"data"))
    assert (end.exit_code, output.stderr) == (3, b"err\n")
    assert output.stdout == f"{user.name}\ndata".encode()


def test_a_program(session: Session) -> None:
    end, output = run(session, program("printf '<%s>' \"$@\"\nexit 4", "a b", "", chdir="/"))
    assert (end.exit_code, output.stdout) == (4, b"<a b><>")


def test_a_terminal(session: Session) -> None:
    end, output = run(session, command("test -t 0 && echo tty; exit 5", tty=True))
    assert (end.exit_code, output.stdout) == (5, b"tty\r\n")


def test_a_terminal_has_an_end(session: Session) -> None:
    end, output = run(session, command("cat; echo over; exit 6", tty=True, stdin=b"line\n"))
    assert end.exit_code == 6
    assert output.stdout.endswith(b"line\r\nover\r\n")


def test_typing_as_the_command_ends_hangs_no_sudo(session: Session) -> None:
    """sudo 1.9.13 with use_pty, from Debian 12: one such run in 50 never came back."""
    for _ in range(60):
        end, _ = run(session, command("exit 5", tty=True))
        assert end.exit_code == 5


def test_stopped_it_is_gone(session: Session, user: ThrowAwayUser) -> None:
    mark = user.home / "mark"
    text = f"trap '' TERM; echo ready; while :; do echo x >> {mark}; sleep 0.1; done"
    output = Output()
    end = session.run(command(text), output, stop_when(output.came, grace=0.3))
    assert (end.stopped, end.still_running) == ("timeout", False)
    size = mark.stat().st_size
    time.sleep(0.3)
    assert mark.stat().st_size == size


def test_somebody_who_is_not_there() -> None:
    become = Become(user="no-such-user", method="sudo")
    session = LocalSession(Target(name="localhost", connection="local", become=become))
    with pytest.raises(TaskFailed) as caught:
        run(session, command("id"))
    assert caught.value.kind == "become_refused"
    assert "no-such-user" in caught.value.message
