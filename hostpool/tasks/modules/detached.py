"""A change that runs on the host by itself: started, asked after, ended when its time is over.

``~/.hostpool_async/JID`` (0700) holds what it runs (``run``, and ``stdin`` until it is opened), its output
(``out``, ``err``), its process (``pid``) and in the end its exit status (``rc``, or the word timeout). The
job leads a session of its own (setsid(1)), so that the end of ours does not end it and all it started can
be ended; without setsid only the process itself is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from typing import Any

import msgspec

from hostpool.errors import Lost, Unreachable
from hostpool.tasks.base import Effect, Moment, Request, Run, RunReply, Sleep
from hostpool.tasks.modules.base import ModuleFailed, Result, Steps, query, require, text
from hostpool.tasks.shell import encode, program_of

SEVERAL = frozenset(["file", "get_url", "uri"])
"""Modules that may change a host by more than one request: with ``poll: 0`` nobody would send the others."""

ATTACHED = frozenset(
    ("raw", "copy", "template", "fetch", "unarchive", "assemble", "gather_facts", "wait_for_connection",
     "reboot", "async_status", "synchronize", "sync")
)  # fmt: skip
"""Modules that no job can be made of, mostly those that carry files; the peer refuses it too."""

_JID = r"j[0-9]{1,24}\.[0-9]{1,10}"
_AT_MOST = 10.0
"""Seconds after a job's limit within which the host must have ended it."""

_START = r"""
j=$HOME/.hostpool_async hp_mask=$(umask)
umask 077
mkdir -p -- "$j" && [ ! -L "$j" ] && j=$j/$1 && mkdir -- "$j" || exit 90
cat > "$j/in" && head -c "$3" < "$j/in" > "$j/run" && tail -c +"$(($3 + 1))" < "$j/in" > "$j/stdin" &&
  rm -f -- "$j/in" || exit 91
hp_job='exec < "$1/stdin"; rm -f -- "$1/stdin"; umask "$2"
  sh "$1/run" > "$1/out" 2> "$1/err"; hp_rc=$?
  rm -f -- "$1/run"; printf "%s\n" "$hp_rc" > "$1/rc.new"; mv -f -- "$1/rc.new" "$1/rc"'
hp_watch='
  $4 sh -c "$5" hostpool "$1" "$3" & hp_pid=$!
  printf "%s\n" "$hp_pid" > "$1/pid"
  hp_n=0
  while kill -0 "$hp_pid" 2>/dev/null && [ ! -e "$1/rc" ]; do
    if [ "$hp_n" -ge "$2" ]; then
      echo timeout > "$1/rc.over"
      kill -TERM "-$hp_pid" 2>/dev/null || kill -TERM "$hp_pid" 2>/dev/null
      sleep 1
      kill -KILL "-$hp_pid" 2>/dev/null || kill -KILL "$hp_pid" 2>/dev/null
      rm -f -- "$1/run" "$1/stdin"; mv -f -- "$1/rc.over" "$1/rc"; break
    fi
    sleep 1; hp_n=$((hp_n + 1))
  done'
hp_new=; ! command -v setsid >/dev/null 2>&1 || hp_new=setsid
trap '' HUP
$hp_new sh -c "$hp_watch" hostpool "$j" "$2" "$hp_mask" "$hp_new" "$hp_job" </dev/null >/dev/null 2>&1 &
printf '%s\n' "$j"
"""
_STATUS = r"""
j=$HOME/.hostpool_async/$1
[ -d "$j" ] || { printf 'gone\n%s\n' "$j"; exit 0; }
hp_pid=; [ ! -r "$j/pid" ] || read -r hp_pid < "$j/pid"
hp_alive=yes; [ -z "$hp_pid" ] || kill -0 "$hp_pid" 2>/dev/null || hp_alive=
if [ -r "$j/rc" ]; then
  read -r hp_rc < "$j/rc"; printf '%s\n%s\n' "$hp_rc" "$j"
  [ ! -r "$j/out" ] || cat -- "$j/out"; [ ! -r "$j/err" ] || cat -- "$j/err" >&2
  [ -z "$2" ] || rm -rf -- "$j"
elif [ -n "$hp_alive" ] || [ -e "$j/rc.over" ] || [ -e "$j/rc" ]; then printf 'running\n%s\n' "$j"
else printf 'lost\n%s\n' "$j"; fi
"""
_CLEAN = 'j=$HOME/.hostpool_async/$1; printf "%s\\n" "$j"; [ -d "$j" ] || exit 3; rm -rf -- "$j"\n'


class Status:
    """What the host says of a job: ``word`` is gone, running, lost, timeout or finished."""

    def __init__(self, reply: RunReply) -> None:
        word, _, rest = require(reply, "the job could not be looked at").stdout.partition(b"\n")
        file, _, output = rest.partition(b"\n")
        code = text(word)
        self.word = "finished" if code.isdecimal() else code
        self.results_file = text(file)
        self.reply = RunReply(int(code) if code.isdecimal() else None, stdout=output, stderr=reply.stderr)


def new_jid() -> str:
    return f"j{int.from_bytes(os.urandom(6), 'big')}.{os.getpid()}"


def checked_jid(jid: str) -> str:
    """It becomes part of a path. Raises ModuleFailed."""
    if not re.fullmatch(_JID, jid):
        raise _unknown(jid)
    return jid


def _unknown(jid: str, file: str = "") -> ModuleFailed:
    return ModuleFailed(
        "could not find job", ansible_job_id=jid, started=True, finished=True, results_file=file,
        stdout="", stderr="",
    )  # fmt: skip


def status(jid: str, *, clean: bool = False) -> Generator[Request[Any], Any, Status]:
    return Status((yield from query(_STATUS, jid, "clean" if clean else "")))


def cleaned(jid: str) -> Generator[Request[Any], Any, str]:
    """Its results_file. Raises ModuleFailed where there is no such job."""
    reply = yield from query(_CLEAN, jid)
    if reply.exit_code:
        raise _unknown(jid)
    return text(reply.stdout).strip()


def detached(steps: Steps, jid: str, limit: int, poll: float) -> Steps:
    """``steps`` with their first change started as a job. Waited for, if ``poll`` says how often to look;
    else the result says only that it runs, and has the replies so far in ``_replies``."""
    replies: list[Any] = []
    try:
        request = next(steps)
        while request.effect is not Effect.CHANGE:
            try:
                reply = yield request
            except (Unreachable, Lost) as error:
                request = steps.throw(error)
            else:
                replies.append(packed(reply))
                request = steps.send(reply)
        file = yield from _started(request, jid, limit)
        if not poll:
            steps.close()
            return {
                "changed": True, "started": True, "finished": False, "ansible_job_id": jid,
                "results_file": file, "_replies": replies,
            }  # fmt: skip
        request = steps.send((yield from _waited(jid, limit, poll)))
        while True:
            request = steps.send((yield request))
    except StopIteration as end:
        result: Result = end.value
        return result


def resumed(steps: Steps, replies: Sequence[Any], reply: RunReply) -> Steps:
    """``steps`` once more, with the replies they had, and with that of the job."""
    try:
        request = next(steps)
        for each in replies:
            request = steps.send(unpacked(each))
        request = steps.send(reply)
        while True:
            request = steps.send((yield request))
    except StopIteration as end:
        result: Result = end.value
        return result


def as_job(result: Result, jid: str, poll: float) -> Result:
    """A result that is known, by the keys of jobs; in ``_result`` once more for whoever asks later."""
    if "_replies" in result:
        return result
    done = {
        "results_file": "",
        "stdout": "",
        "stderr": "",
        **result,
        "started": True,
        "finished": True,
        "ansible_job_id": jid,
    }
    return done if poll else {**done, "_result": done}


def _started(request: Request[Any], jid: str, limit: int) -> Generator[Request[Any], Any, str]:
    if not isinstance(request, Run) or request.program is None or not isinstance(request.stdin, bytes):
        raise ModuleFailed("this change cannot run detached: leave async out")
    program = encode(program_of(request)) + b"\n"
    reply = yield from Run(
        effect=Effect.CHANGE, foretells=request.foretells, program=_START,
        args=(jid, str(limit), str(len(program))), stdin=program + request.stdin, live=False,
    )  # fmt: skip
    return text(require(reply, "the job could not be started").stdout).strip()


def _waited(jid: str, limit: int, poll: float) -> Generator[Request[Any], Any, RunReply]:
    began = yield from Moment()
    pause = 0.1
    while True:
        yield from Sleep(seconds=min(pause, poll))
        pause *= 2
        over = (yield from Moment()) - began > limit + _AT_MOST
        try:
            found = yield from status(jid, clean=True)
        except (Unreachable, Lost):
            if over:
                raise
            continue
        if found.word == "finished":
            return found.reply
        if over or found.word != "running":
            raise failure(found, jid, limit)


def failure(found: Status, jid: str, limit: int | None = None) -> ModuleFailed:
    """Why there is no result."""
    keys: Result = {"ansible_job_id": jid, "started": True, "results_file": found.results_file}
    if found.word == "gone":
        return _unknown(jid, found.results_file)
    if found.word == "lost":
        return ModuleFailed("the job ended without a result: was the host restarted?", finished=True, **keys)
    if limit is None:
        return ModuleFailed("Timeout exceeded", finished=True, **keys)
    return ModuleFailed(
        f"async task did not complete within the requested time - {limit}s",
        async_result={**keys, "finished": False},
    )


def packed(reply: Any) -> Any:
    """A reply as plain data, to be had again later."""
    return {"run": list(msgspec.structs.astuple(reply))} if isinstance(reply, RunReply) else reply


def unpacked(data: Any) -> Any:
    return RunReply(*data["run"]) if isinstance(data, dict) else data
