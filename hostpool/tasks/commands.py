"""Run a command, a script, or just ask whether the host answers."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import PurePath
from typing import Any

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.tasks.base import Effect, FileSource, Outcome, Request, Run, RunReply

_WOULD_RUN = Outcome(status="skipped", would_run=True)


class Verdict(msgspec.Struct, frozen=True):
    """Which exit codes are success, and which one of them means "changed something"."""

    ok_codes: frozenset[int] = frozenset({0})
    changed_code: int | None = None

    def outcome(self, reply: RunReply, what: str) -> Outcome:
        code = reply.exit_code
        if reply.signal is not None:
            return Outcome(
                status="failed",
                reply=reply,
                error=ErrorInfo(
                    "signal",
                    f"{what} was killed by signal {reply.signal}",
                    "KILL out of nowhere is often the host's out-of-memory killer: see dmesg there"
                    if reply.signal == "KILL"
                    else None,
                ),
            )
        if code is None:
            return Outcome(
                status="failed",
                reply=reply,
                error=ErrorInfo(
                    "no_exit_status",
                    f"the host closed {what} without an exit status",
                    "appliances do that; --raw and the output tell what happened",
                ),
            )
        if code == self.changed_code:
            return Outcome(status="changed", changed=True, reply=reply)
        if code in self.ok_codes:
            return Outcome(status="ok", changed=None if self.changed_code is None else False, reply=reply)
        return Outcome(status="failed", reply=reply, error=_exit_error(code, what, reply))


def _exit_error(code: int, what: str, reply: RunReply) -> ErrorInfo:
    hints = {
        126: "the file is there but cannot be executed: its mode, or a noexec mount",
        127: "command not found on the host: spelling, or PATH of a non-interactive login",
    }
    hint = hints.get(code)
    if hint is None:
        hint = f"--ok-codes 0,{code} counts this status as success"
    return ErrorInfo("exit_status", f"{what} exited with status {code}", hint)


class Command(msgspec.Struct, frozen=True):
    """One command line for the host's login shell.

    ``command`` goes out as it is. ``stdin`` is what the command reads (nothing by default).
    """

    command: str
    verdict: Verdict = Verdict()
    env: tuple[tuple[str, str], ...] = ()
    chdir: str | None = None
    tty: bool = False
    raw: bool = False
    stdin: bytes | FileSource = b""

    @property
    def name(self) -> str:
        return self.command

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        reply = yield from Run(
            effect=Effect.CHANGE,
            foretells=_WOULD_RUN,
            command=self.command,
            env=self.env,
            chdir=self.chdir,
            tty=self.tty,
            raw=self.raw,
            stdin=self.stdin,
        )
        return self.verdict.outcome(reply, "the command")


# The script's bytes come first on standard input, its length is known, and `dd bs=1`-exactness is
# not needed: head -c may read ahead, so what the script itself is to read goes through a file too.
_SHIP = r"""
umask 077
d=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit 125
trap 'rm -rf "$d"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
cat > "$d/in" || exit 125
n=$1 name=$2; shift 2
head -c "$n" < "$d/in" > "$d/$name" && tail -c +"$((n + 1))" < "$d/in" > "$d/stdin" || exit 125
rm -f "$d/in"
chmod 700 "$d/$name" || exit 125
"$d/$name" "$@" < "$d/stdin"
"""


class Script(msgspec.Struct, frozen=True):
    """A local file, copied to a private temporary directory of the host, run there, removed.

    ``data`` is its content (its first line says which interpreter; none means /bin/sh), ``args``
    reach it as they are. Exit status 125 means that it could not be put in place.
    """

    filename: str
    data: bytes
    args: tuple[str, ...] = ()
    verdict: Verdict = Verdict()
    env: tuple[tuple[str, str], ...] = ()
    chdir: str | None = None
    tty: bool = False
    stdin: bytes = b""

    @property
    def name(self) -> str:
        return " ".join((self.filename, *self.args))

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        data = self.data if self.data.startswith(b"#!") else b"#!/bin/sh\n" + self.data
        reply = yield from Run(
            effect=Effect.CHANGE,
            foretells=_WOULD_RUN,
            program=_SHIP,
            args=(str(len(data)), PurePath(self.filename).name or "script", *self.args),
            stdin=data + self.stdin,
            env=self.env,
            chdir=self.chdir,
            tty=self.tty,
        )
        return self.verdict.outcome(reply, "the script")


class Ping(msgspec.Struct, frozen=True):
    """Logs in and runs a command that does nothing: ``{"ping": "pong"}`` in the result."""

    @property
    def name(self) -> str:
        return "ping"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        reply = yield from Run(effect=Effect.QUERY, command="echo pong", live=False)
        if reply.exit_code == 0 and reply.stdout.rstrip().endswith(b"pong"):
            return Outcome(status="ok", changed=False, result={"ping": "pong"})
        return Outcome(
            status="failed",
            reply=reply,
            error=ErrorInfo(
                "no_shell",
                "logged in, but the host did not run `echo pong`",
                "a forced command, a restricted shell or an appliance: `run --raw` sends it what it knows",
            ),
        )
