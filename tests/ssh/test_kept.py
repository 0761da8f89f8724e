"""A shell that stays for queries: it keeps what every session keeps, and never mixes two answers up."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.errors import TaskFailed
from hostpool.messages import Become
from hostpool.secrets import Secret
from hostpool.ssh import SSHContext, SSHSession
from hostpool.ssh.kept import End
from hostpool.stop import Stop
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.session import Consumer, Exit, Session
from tests.farm import Sshd, ThrowAwayUser
from tests.farm.processes import wait_until
from tests.patience import AMPLE, promptly
from tests.ssh.conformance import SessionConformance
from tests.ssh.helpers import Output, connected, run, stop_after, target_for


def query(text: str, *args: str, **fields: Any) -> Run:
    return Run(effect=Effect.QUERY, program=text, args=args, **fields)


class Asking:
    """A session that makes a query of every request that may be one."""

    def __init__(self, session: Session) -> None:
        session.expect_more()
        self._session = session

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        if not (request.raw or request.tty):
            text = request.program or request.command
            request = msgspec.structs.replace(request, effect=Effect.QUERY, command="", program=text)
        return self._session.run(request, consumer, stop)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class TestKeptShell(SessionConformance):
    @pytest.fixture
    def session(self, context: SSHContext, sshd: Sshd) -> Iterator[Session]:
        with connected(context, target_for(sshd)) as made:
            yield Asking(made)

    def test_a_child_left_behind_does_not_hold_us(self, session: Session, tmp_path: Path) -> None:
        """Nor is its output taken for that of the next."""
        text = "echo started; { sleep 0.3; echo late; sleep 0.3; } & exit 3"
        with promptly():
            end, output = run(session, query(text))
        assert (end.exit_code, end.held_open, output.stdout) == (3, False, b"started\n")
        end, output = run(session, query("echo next"))
        assert (end.exit_code, output.stdout) == (0, b"next\n")


def shell_of(session: SSHSession) -> int:
    _, output = run(session, query("echo $$"))
    return int(output.stdout)


def test_one_shell_for_all_queries_and_none_for_changes(session: SSHSession) -> None:
    first = shell_of(session)
    run(session, Run(effect=Effect.CHANGE, program="kill -KILL $$"))
    run(session, query("exit 7"))
    run(session, query("cd /tmp; umask 0; PATH=; set -e; trap 'echo bye' EXIT; false"))
    assert shell_of(session) == first


def test_nothing_of_a_query_is_there_for_the_next(session: SSHSession) -> None:
    text = "pwd; umask; echo ${left-none}; cd /; umask 0; left=here"
    seen = [run(session, query(text))[1].stdout for _ in range(2)]
    assert seen[0] == seen[1]
    assert seen[0].endswith(b"none\n")


def test_it_stands_where_nothing_is_held_in_use(session: SSHSession) -> None:
    assert Path(f"/proc/{shell_of(session)}/cwd").readlink() == Path("/")


def test_output_without_a_newline_and_of_any_bytes(session: SSHSession) -> None:
    for text in ("printf x; printf y >&2", r"printf '\0\1\377\n\n'; printf '\n' >&2", ":"):
        alone = Output()
        changing = Run(effect=Effect.CHANGE, program=text)
        session.run(changing, alone, Stop())
        end, output = run(session, query(text))
        assert (end.exit_code, output.stdout, output.stderr) == (0, alone.stdout, alone.stderr)


def test_a_program_that_is_no_sh_fails_as_it_would_alone(session: SSHSession) -> None:
    end, output = run(session, query("if"))
    assert end.exit_code == 2
    assert b"yntax error" in output.stderr
    assert run(session, query("echo on"))[1].stdout == b"on\n"


def test_a_shell_that_ends_between_two_queries_is_replaced(session: SSHSession) -> None:
    first = shell_of(session)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not session.channels.shells[None].alive, seconds=AMPLE)
    assert shell_of(session) != first


def test_a_shell_that_the_host_takes_while_it_is_asked(session: SSHSession) -> None:
    """As ChannelTimeout of newer servers does; nothing was said, so the query is asked anew."""
    shell_of(session)
    kept = session.channels.shells[None].channel
    words = session.channels.shells[None].words

    def closing(program: str) -> tuple[bytes, bytes]:
        kept._handle_close(None)  # type: ignore[arg-type]  # looks at nothing
        return words(program)

    session.channels.shells[None].words = closing  # type: ignore[method-assign]
    end, output = run(session, query("echo well"))
    assert (end.exit_code, output.stdout) == (0, b"well\n")


def test_stopped_it_is_gone_and_the_next_query_has_a_shell_of_its_own(session: SSHSession) -> None:
    first = shell_of(session)
    with promptly():
        end, _ = run(session, query("sleep 60"), stop_after(0.3))
    assert (end.stopped, end.still_running) == ("timeout", False)
    assert shell_of(session) != first


@pytest.mark.needs_root
@pytest.mark.parametrize("password", [False, True])
def test_roots_shell_stays_too_and_other_users_have_none(
    context: SSHContext, sshd: Sshd, password: bool
) -> None:
    with ThrowAwayUser() as user:
        user.allow_sudo("ALL=(ALL) ALL" if password else "ALL=(ALL) NOPASSWD: ALL")
        secret = Secret(user.password) if password else None
        with connected(context, target_for(sshd, user=user.name)) as made:
            made.expect_more()
            seen: dict[str, list[bytes]] = {}
            for _ in range(2):
                for name in ("root", "nobody", user.name):
                    become = Become(user=name, password=secret) if name != user.name else None
                    _, output = run(made, query("id -un; echo $$", become=become))
                    who, _, shell = output.stdout.partition(b"\n")
                    assert who.decode() == name
                    seen.setdefault(name, []).append(shell)
    assert {name: len(set(shells)) for name, shells in seen.items()} == {"root": 1, "nobody": 2, user.name: 1}


@given(st.binary(max_size=60), st.integers(0, 3), st.lists(st.integers(1, 7), max_size=40))
def test_the_end_is_found_however_the_pieces_fall(output: bytes, begun: int, sizes: list[int]) -> None:
    mark = b"abcabd.1"
    output += mark[:begun]  # what looks like its beginning
    whole = output + mark + b" 12\n" if mark not in output else b""
    end, got, rest = End(mark), b"", whole
    for size in sizes:
        got += end.take(rest[:size])
        rest = rest[size:]
    got += end.take(rest)
    if whole:
        assert (got, end.line) == (output, b" 12")
        assert end.take(b"late") == b""


@pytest.mark.needs_root
@pytest.mark.parametrize("flag", ["requiretty", "use_pty"])
@pytest.mark.parametrize("rule", ["ALL=(ALL) ALL", "ALL=(ALL) NOPASSWD: ALL", "ALL=(ALL) /bin/true"])
def test_where_sudo_wants_a_terminal_or_a_password_or_refuses(
    context: SSHContext, sshd: Sshd, flag: str, rule: str
) -> None:
    with ThrowAwayUser() as user:
        user.allow_sudo(rule)
        with user._rules.open("a") as rules:
            rules.write(f"Defaults:{user.name} {flag}\n")
        become = Become(password=Secret(user.password))
        with connected(context, target_for(sshd, user=user.name, become=become)) as made:
            made.expect_more()
            for _ in range(2):
                if rule.endswith("true"):
                    with pytest.raises(TaskFailed):
                        run(made, query("id -u"))
                    continue
                end, output = run(made, query("id -u; cat; exit 4"))
                assert (end.exit_code, output.stdout) == (4, b"0\n")
                end, output = run(made, query("id -u"))
                assert (end.exit_code, output.stdout) == (0, b"0\n")
            if not rule.endswith("true"):
                with promptly():
                    end, _ = run(made, query("sleep 60"), stop_after(0.5))
                assert (end.stopped, end.still_running) == ("timeout", False)
