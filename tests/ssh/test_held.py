"""A shell that waits after a query for the change that follows: it is what a command's own would be."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hostpool.messages import Become
from hostpool.secrets import Secret
from hostpool.ssh import SSHContext, SSHSession, held
from hostpool.stop import Stop
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.session import Consumer, Exit, Session
from hostpool.tasks.shell import encode, one_line
from tests.farm import Sshd, ThrowAwayUser
from tests.farm.processes import alive, wait_until
from tests.patience import AMPLE, promptly
from tests.ssh.conformance import SessionConformance
from tests.ssh.helpers import connected, run, stop_after, target_for

MORE = 'umask; printf "<%s>" "$@"; cat; exit 7'
"""A program that a query tells of."""


def query(text: str = "echo $$", *args: str, **fields: Any) -> Run:
    return Run(effect=Effect.QUERY, program=text, args=args, more=MORE, **fields)


def change(text: str = "echo $PPID; echo $$", *args: str, **fields: Any) -> Run:
    return Run(effect=Effect.CHANGE, program=text, args=args, **fields)


class Following:
    """A session whose every request follows a query."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, request: Run, consumer: Consumer, stop: Stop) -> Exit:
        if not (request.raw or request.tty):
            text = request.program or request.command
            request = msgspec.structs.replace(request, effect=Effect.CHANGE, command="", program=text)
            run(self._session, query(become=request.become))
        return self._session.run(request, consumer, stop)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class TestHeldShell(SessionConformance):
    @pytest.fixture
    def session(self, context: SSHContext, sshd: Sshd) -> Iterator[Session]:
        with connected(context, target_for(sshd)) as made:
            yield Following(made)


@pytest.fixture
def session(context: SSHContext, sshd: Sshd) -> Iterator[SSHSession]:
    with connected(context, target_for(sshd)) as made:
        assert isinstance(made, SSHSession)
        yield made


def number(session: Session, request: Run) -> int:
    end, output = run(session, request)
    assert end.exit_code == 0
    return int(output.stdout.split()[-1])


def test_a_program_that_was_told_of_runs_as_if_it_were_sent(session: SSHSession) -> None:
    args = ("", "a b", "it's", "$HOME\n", "-x", "é\udcff")
    said = []
    for program in (MORE, f"{MORE} "):
        run(session, query())
        changing = change(program, *args, stdin=b"\0rest\n", env=(("A", "1"),), chdir="/tmp")
        end, output = run(session, changing)
        assert (end.exit_code, output.stderr) == (7, b"")
        said.append(output.stdout)
    assert said[0] == said[1]
    assert said[0].endswith(b"<-x><\xc3\xa9\xff>\0rest\n")


def test_the_change_runs_in_the_querys_shell_and_ends_it(session: SSHSession) -> None:
    first = number(session, query())
    assert number(session, change()) == first
    assert number(session, change()) != first


def test_nothing_of_the_query_is_there_for_the_change(session: SSHSession) -> None:
    text = "pwd; umask; echo ${left-none}; command -v thing; :"
    alone = run(session, change(text))[1].stdout
    run(session, query(f"{text}; cd /; umask 0; left=here; thing() {{ :; }}; trap 'echo bye' EXIT; exit 4"))
    assert run(session, change(text))[1].stdout == alone


def test_a_query_tells_its_status_and_both_streams(session: SSHSession) -> None:
    end, output = run(session, query("printf out; printf err >&2; exit 7"))
    assert (end.exit_code, output.stdout, output.stderr) == (7, b"out", b"err")
    end, output = run(session, query("if"))
    assert end.exit_code == 2
    assert b"yntax error" in output.stderr


@pytest.mark.parametrize("between", ["query", "command", "nothing"])
def test_a_shell_that_nothing_follows_ends(context: SSHContext, sshd: Sshd, between: str) -> None:
    with connected(context, target_for(sshd)) as made:
        shell = number(made, query())
        assert alive(shell)
        if between == "command":
            run(made, Run(effect=Effect.CHANGE, command="true"))
        elif between == "query":
            assert number(made, query()) == shell, "a program is a program"
    wait_until(lambda: not alive(shell), seconds=AMPLE)


def test_one_that_dies_while_it_waits_is_replaced(session: SSHSession) -> None:
    first = number(session, query())
    os.kill(first, signal.SIGKILL)
    assert session.queries._held is not None
    wait_until(lambda: not session.queries._held.waits, seconds=AMPLE)  # type: ignore[union-attr]
    assert number(session, change()) != first


def test_who_is_slow_to_answer_gets_the_end_of_input(
    session: SSHSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PATIENCE", 0.2)
    first = number(session, query("sleep 0.6; echo $$"))
    assert session.queries._held is None
    assert number(session, change()) != first


def test_what_is_no_shell_and_reads_on_is_not_waited_for(
    context: SSHContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PATIENCE", 0.5)
    with Sshd(config=["ForceCommand cat"]) as sshd, connected(context, target_for(sshd)) as made, promptly():
        end, output = run(made, query("echo well"))
        assert end.exit_code == 0
        assert b"echo well" in output.stdout


def test_it_makes_room_where_a_host_has_one_session_at_a_time(context: SSHContext) -> None:
    command = Run(effect=Effect.CHANGE, command="echo")
    with Sshd(max_sessions=1) as narrow, connected(context, target_for(narrow)) as made:
        for request in (query(), change(), query(), command, query(), query(), change()) * 3:
            assert run(made, request)[0].exit_code == 0


def test_stopped_it_is_gone_and_has_cleaned_up(session: SSHSession, tmp_path: Path) -> None:
    shell = number(session, query())
    with promptly():
        text = f"trap 'echo > {tmp_path}/done; exit 1' TERM; sleep 60 & wait"
        end, _ = run(session, change(text), stop_after(0.3))
    assert (end.stopped, end.still_running) == ("timeout", False)
    assert (tmp_path / "done").exists()
    assert not alive(shell)


def test_sessions_that_are_kept_have_another_shell_for_queries(session: SSHSession) -> None:
    session.expect_more()
    first = number(session, query())
    assert number(session, change()) != first
    assert number(session, query()) == first


@pytest.mark.needs_root
@pytest.mark.parametrize("password", [False, True])
def test_roots_waits_too(context: SSHContext, sshd: Sshd, password: bool) -> None:
    with ThrowAwayUser() as user:
        user.allow_sudo("ALL=(ALL) ALL" if password else "ALL=(ALL) NOPASSWD: ALL")
        become = Become(user="root", password=Secret(user.password) if password else None)
        with connected(context, target_for(sshd, user=user.name)) as made:
            first = number(made, query(become=become))
            _, output = run(made, change("id -u; cat; echo $$", become=become, stdin=b"in\n"))
            assert output.stdout.split() == [b"0", b"in", b"%d" % first]
            first = number(made, query(become=become))
            assert number(made, change()) != first, "another user's is not for us"


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh", "zsh --emulate sh"])
def test_shells_leave_what_follows_to_the_program(shell: str) -> None:
    """None takes more of its standard input than its script, which is all that is there before the answer."""
    words = shell.split()
    waiting = held.HeldShell(None, None, MORE)  # type: ignore[arg-type]  # nothing is sent
    first, mark = waiting.words("set -- a\necho $1; cat; exit 3" + "\n: padding" * 2000)
    program = encode(one_line('set -- "b c"\necho "$1"; cat\nexit 4')) + b"\n"
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        child.stdin.write(first)
        child.stdin.flush()
        assert [child.stdout.readline(), child.stdout.readline()] == [b"a\n", mark + b" 3\n"]
        child.stdin.write(program + b"rest\n" * 3000)
        child.stdin.close()
        assert child.stdout.read() == b"b c\n" + b"rest\n" * 3000
        assert child.stderr.read() == mark + b"\n"
    assert child.returncode == 4
