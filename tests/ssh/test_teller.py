"""The perl in a kept shell: one for all questions, gone for programs of sh, believed wholly or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hostpool.errors import TaskFailed
from hostpool.messages import Become
from hostpool.ssh import SSHContext, SSHSession, kept, telling
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.perl import Call, Sub
from tests.farm import Sshd, ThrowAwayUser, alive
from tests.patience import promptly
from tests.ssh.helpers import connected, run, stop_after, target_for

SAY = Sub("say", 'sub hp_say { out("perl ", map { sprintf "<%s>", $_ } @_) }')
PID = Sub("pid", "sub hp_pid { out($$) }")
DIES = Sub("dies", 'sub hp_dies { out("half of it"); die "no more" }')
SLEEPS = Sub("sleeps", "sub hp_sleeps { sleep 60; out('slept') }")


def question(sub: Sub, *args: str, mark: str = "", sh: str = "echo sh", **fields: Any) -> Run:
    call = Call(sub, args, before="first ", mark=mark)
    return Run(effect=Effect.QUERY, program=sh, args=args, perl=(call,), live=False, **fields)


def query(text: str) -> Run:
    return Run(effect=Effect.QUERY, program=text, live=False)


def told(session: SSHSession, request: Run) -> bytes:
    end, output = run(session, request)
    assert (end.exit_code, output.stderr) == (0, b"")
    return output.stdout


def perl_of(session: SSHSession) -> int:
    return int(told(session, question(PID)).split()[1])


def test_one_process_for_all_questions(session: SSHSession) -> None:
    first = perl_of(session)
    assert Path(f"/proc/{first}/cwd").readlink() == Path("/"), "it holds no file system in use"
    assert told(session, question(SAY)) == b"first perl "
    run(session, Run(effect=Effect.CHANGE, program="true"))
    assert perl_of(session) == first


def test_it_is_gone_when_sh_has_to_run_and_comes_back(session: SSHSession) -> None:
    first = perl_of(session)
    assert told(session, query("echo on; echo $hostpool")).startswith(b"on\n")
    assert not alive(first)
    again = perl_of(session)
    assert again != first
    assert told(session, question(SAY, "a")) == b"first perl <a>", "what it knew is defined anew"


def test_arguments_of_any_bytes(session: SSHSession) -> None:
    every = bytes(range(1, 256)).decode("utf-8", "surrogateescape")
    for args in (
        (),
        ("",),
        ("a b", "", "$HOME `id` 'x' \"y\" \\"),
        (every, "\n\n", "é€\udcff"),
        ("x" * 70_000,),
    ):
        expected = b"first perl " + b"".join(
            b"<%s>" % each.encode("utf-8", "surrogateescape") for each in args
        )
        for _ in range(2):  # the first comes with perl's own text
            assert told(session, question(SAY, *args)) == expected
        told(session, query("true"))


def test_several_calls_are_marked_and_a_long_answer_comes_whole(session: SSHSession) -> None:
    long = Sub("long", 'sub hp_long { out("x" x $_[0]) }')
    calls = tuple(Call(long, (str(size),), mark=f"m{size}") for size in (0, 1, 3_000_000))
    answer = told(session, Run(effect=Effect.QUERY, program="echo sh", perl=calls, live=False))
    assert answer == b"m0 0\nxm1 0\n" + b"x" * 3_000_000 + b"m3000000 0\n"


def test_what_it_cannot_say_is_asked_by_sh(session: SSHSession) -> None:
    first = perl_of(session)
    broken = Sub("broken", "sub hp_broken { this is no perl")
    for sub in (DIES, Sub("unknown", "1;"), broken):
        assert told(session, question(sub)) == b"sh\n"
        assert told(session, question(sub)) == b"sh\n"
    assert perl_of(session) != first
    assert session.channels.shells[None].teller.able


@pytest.mark.parametrize("known", [True, False])
def test_killed_while_it_answers_sh_is_asked_and_from_then_on(session: SSHSession, known: bool) -> None:
    if known:
        perl_of(session)
    kills = Sub("kills", "sub hp_kills { syswrite STDOUT, 'half of it'; kill KILL => $$; sleep 9 }")
    assert told(session, question(kills)) == b"sh\n"
    assert told(session, question(SAY)) == b"sh\n"


def test_killed_between_two_questions(session: SSHSession, tmp_path: Path) -> None:
    """The shell takes no frame for a program."""
    trap = tmp_path / "trap"
    for _ in range(5):
        os.kill(perl_of(session), signal.SIGKILL)
        answer = told(session, question(SAY, f"\ntouch {trap}\n"))
        assert answer in (b"sh\n", f"first perl <\ntouch {trap}\n>".encode())
        session.channels.shells[None].teller.able = True
        os.kill(perl_of(session), signal.SIGKILL)
        assert run(session, query("echo on"))[1].stdout == b"on\n"
    assert not trap.exists()


def test_stopped_while_it_answers(session: SSHSession) -> None:
    first = perl_of(session)
    with promptly():
        end, output = run(session, question(SLEEPS), stop_after(0.3))
    assert (end.stopped, end.still_running, output.stdout) == ("timeout", False, b"")
    assert not alive(first)
    assert told(session, question(SAY)) == b"first perl ", "the next shell has one of its own"


def test_it_begins_where_the_login_user_does(session: SSHSession) -> None:
    where = Sub("where", 'sub hp_where { opendir my $d, "." or die; out(join "|", (stat ".")[0, 1]) }')
    begins = told(session, query("stat -c '%d|%i' ."))
    assert told(session, question(where)) == b"first " + begins.strip()


def test_what_a_login_prints_or_sets_for_perl_does_no_harm(context: SSHContext) -> None:
    settings = {"PERL5OPT": "-Mno_such_module", "PERL_UNICODE": "SDA", "PERL5LIB": "/nowhere"}
    with Sshd(environment=settings) as server, connected(context, target_for(server)) as made:
        made.expect_more()
        for _ in range(2):
            _, output = run(made, question(SAY, "\udcff\udcfe"))
            assert output.stdout == b"first perl <\xff\xfe>"


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh", "zsh --emulate sh"])
def test_any_sh_starts_it(shell: str) -> None:
    made = kept.KeptShell(None, None)  # type: ignore[arg-type]  # only its words are wanted
    words = [made.question("echo sh", (Call(SAY, ("a\x81\n",)),))[0], made.question("", (Call(PID),))[0]]
    words.append(made.words("echo then")[0])
    # Word by word, as each comes when the one before was answered.
    with subprocess.Popen(shell.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        lines: list[bytes] = []
        for each in words:
            process.stdin.write(each)
            process.stdin.flush()
            while not lines or made._token.encode() not in lines[-1]:
                lines.append(process.stdout.readline())
            lines.append(b"")
        process.stdin.close()
    said = b"".join(lines).replace(made._token.encode(), b"MARK")
    assert said.startswith("perl <a\x81\n>MARK told\n".encode())
    assert said.endswith(b"MARK told\nthen\nMARK 0\n")


def test_a_host_without_perl_is_asked_by_sh(context: SSHContext, tmp_path: Path) -> None:
    for name in ("sh", "true", "sleep"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    with Sshd(environment={"PATH": str(tmp_path)}) as server, connected(context, target_for(server)) as made:
        assert isinstance(made, SSHSession)
        made.expect_more()
        for request in (question(SAY, "x"), question(PID), query("echo sh"), question(DIES)):
            end, output = run(made, request)
            assert (end.exit_code, output.stdout, output.stderr) == (0, b"sh\n", b"")
        assert not made.channels.shells[None].teller.able


@pytest.mark.parametrize(
    "body", ["exit 0", "exit 9", "kill -KILL $$", "cat >/dev/null", "printf noise; exit 3"]
)
def test_what_is_called_perl_and_is_none(context: SSHContext, tmp_path: Path, body: str) -> None:
    fake = tmp_path / "perl"
    fake.write_text(f"#!/bin/sh\n{body}\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with Sshd(environment={"PATH": path}) as server, connected(context, target_for(server)) as made:
        made.expect_more()
        with promptly():
            for _ in range(3):
                end, output = run(made, question(SAY, sh="echo sh; exit 3"))
                assert (end.exit_code, output.stdout) == (3, b"sh\n")


def test_who_answers_without_end_is_stopped(session: SSHSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "ANSWER", 1 << 20)
    endless = Sub("endless", "sub hp_endless { syswrite STDOUT, 'x' x 65536 while 1 }")
    with promptly(), pytest.raises(TaskFailed) as failed:
        run(session, question(endless))
    assert failed.value.kind == "bad_reply"
    assert told(session, question(SAY)) == b"first perl "


@pytest.mark.needs_root
def test_roots_own(context: SSHContext, sshd: Sshd) -> None:
    who = Sub("who", "sub hp_who { out($>) }")
    with ThrowAwayUser() as user:
        user.allow_sudo("ALL=(ALL) NOPASSWD: ALL")
        with connected(context, target_for(sshd, user=user.name)) as made:
            made.expect_more()
            for _ in range(2):
                assert run(made, question(who))[1].stdout == b"first %d" % user.uid
                assert run(made, question(who, become=Become()))[1].stdout == b"first 0"
