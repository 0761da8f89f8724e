"""command: a command has run, without a shell; only creates and removes decide whether.
shell: a command line has run in a shell; only creates and removes decide whether.
script: a script of the control node has run on the host; only creates and removes decide whether.
raw: a command line has run in the login shell, as it is.

Parameters:
    cmd: the command line, in the place of the text after the module's name
    argv: the command's words, in the place of a line
    chdir: the directory to run it in
    creates: it does not run where this path (or one that this pattern matches) exists
    removes: it does not run where no such path exists
    executable: the shell, for shell; the interpreter, for script; for raw the program that gets it after -c
    stdin: what the command reads
    stdin_add_newline: end stdin with a newline
    strip_empty_ends: leave line ends at the end of stdout and stderr out
    expand_argument_vars: replace $NAME and a leading ~ in the words, as a shell would
    decrypt: no effect: a script that is encrypted with Vault fails the task
Returns: ``cmd``, ``rc``, ``stdout``, ``stderr``, ``stdout_lines``, ``stderr_lines``, ``start``, ``end``,
    ``delta``, ``msg``
Needs: sh; for raw nothing but a login shell of whatever kind.
Source: ansible.builtin.command, shell, raw and script of ansible-core 2.19.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import Effect, Outcome, Run, RunReply
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, text
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.shell import any_shell, quote

_GUARD = r"""
hp_any() ( IFS=; for f in $1; do [ -e "$f" ] || [ -L "$f" ] && exit 0; done; exit 1 )
hp_dir=$1 hp_creates=$2 hp_removes=$3; shift 3
if [ -n "$hp_dir" ]; then CDPATH= cd -- "$hp_dir" || { printf 'dir\n'; exit 1; }; fi
if [ -n "$hp_creates" ] && hp_any "$hp_creates"; then printf 'creates\n'; exit 0; fi
if [ -n "$hp_removes" ] && ! hp_any "$hp_removes"; then printf 'removes\n'; exit 0; fi
printf 'run\n'
"""
_VARIABLE = r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))"


def command(args: Mapping[str, Any], mode: Mode) -> Steps:
    """Without a shell: words are words; only ``$NAME`` and a leading ``~`` are replaced, as there."""
    if args["argv"] is not None:
        words = [str(word) for word in args["argv"]]
    else:
        line = args["_raw"] if args["_raw"] is not None else args["cmd"]
        if not line:
            raise ModuleFailed("no command given", rc=256)
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise ModuleFailed(f"{error} in {line!r}", rc=256) from error
    program, line = f"exec {' '.join(map(quote, words))}", any_shell(words)
    if args["expand_argument_vars"] and any("$" in word or word.startswith("~") for word in words):
        program, line = f"exec {' '.join(map(_expandable, words))}", ""
    return (yield from _run(args, mode, words, program, line=line))


def shell(args: Mapping[str, Any], mode: Mode) -> Steps:
    line = args["_raw"] if args["_raw"] is not None else args["cmd"]
    if not line:
        raise ModuleFailed("no command given", rc=256)
    words = [args["executable"] or "/bin/sh", "-c", line]
    program = f"exec {' '.join(map(quote, words))}"
    return (yield from _run(args, mode, line, program, line=any_shell(words)))


def script(args: Mapping[str, Any], mode: Mode) -> Steps:
    """``_data`` is the file's content; it is put into a private directory, run there and removed."""
    words = shlex.split(args["_raw"] if args["_raw"] is not None else args["cmd"])
    data: bytes = args["_data"]
    starter = f"{args['executable']} " if args["executable"] else ""
    if not starter and not data.startswith(b"#!"):
        starter = "/bin/sh "
    program = rf"""
umask 077
hp_tmp=$(mktemp -d "${{TMPDIR:-/tmp}}/hostpool.XXXXXXXX") || exit 125
trap 'rm -rf "$hp_tmp"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
cat > "$hp_tmp"/script || exit 125
chmod 700 "$hp_tmp"/script
{starter}"$hp_tmp"/script {" ".join(quote(word) for word in words[1:])} < /dev/null
"""
    line = args["_raw"] if args["_raw"] is not None else args["cmd"]
    result: Result = yield from _run({**args, "stdin": None}, mode, line, program, data)
    result.pop("cmd", None)
    return result


def raw(args: Mapping[str, Any], mode: Mode) -> Steps:
    """The bytes as they are, to the login shell: nothing of ours is needed on the host."""
    line = args["_raw"] if args["_raw"] is not None else args["cmd"]
    if args["executable"]:
        line = f"{args['executable']} -c {quote(line)}"
    foretells = Outcome(status="skipped", result={"changed": False, "skipped": True, "msg": "would run"})
    reply = yield from Run(effect=Effect.CHANGE, foretells=foretells, command=line, live=False)
    return _result(reply, text(reply.stdout), None, True)


def _run(
    args: Mapping[str, Any], mode: Mode, shown: Any, program: str, data: bytes | None = None, line: str = ""
) -> Steps:
    guarded = (args["chdir"] or "", args["creates"] or "", args["removes"] or "")
    if mode.check and any(guarded[1:]):
        reply = yield from query(_GUARD, *guarded)
        first = text(reply.stdout).partition("\n")[0]
        if first != "run":
            return _not_run(first, args, shown, reply)
        return _would(shown, skipped=False)
    stdin = data if data is not None else _stdin(args)
    foretells = _would(shown, skipped=True)
    if not any(guarded):
        # The host's sh reads the program byte by byte: without conditions it is the command alone.
        reply = yield from change(program, stdin=stdin, foretells=foretells, line=line)
        return _result(reply, text(reply.stdout), shown, args["strip_empty_ends"])
    reply = yield from change(_GUARD + program, *guarded, stdin=stdin, foretells=foretells)
    first, _, rest = text(reply.stdout).partition("\n")
    if first in ("creates", "removes", "dir"):
        return _not_run(first, args, shown, reply)
    return _result(reply, rest, shown, args["strip_empty_ends"])


def _stdin(args: Mapping[str, Any]) -> bytes:
    if args["stdin"] is None:
        return b""
    return str(args["stdin"]).encode() + (b"\n" if args["stdin_add_newline"] else b"")


def _would(shown: Any, *, skipped: bool) -> Result:
    told: Result = {
        "cmd": shown,
        "rc": 0,
        "msg": "Command would have run if not in check mode",
        "stdout": "",
        "stderr": "",
        "start": None,
        "end": None,
        "delta": None,
        "changed": not skipped,
    }
    if skipped:
        told.update(skipped=True, would_run=True)
    return told


def _not_run(why: str, args: Mapping[str, Any], shown: Any, reply: RunReply) -> Result:
    if why == "dir":
        raise ModuleFailed(
            f"Unable to change directory before execution: {text(reply.stderr).strip()}", rc=257
        )
    word = "exists" if why == "creates" else "does not exist"
    return {
        "cmd": shown, "rc": 0, "changed": False, "stderr": "", "start": None, "end": None, "delta": None,
        "stdout": f"skipped, since {args[why]} {word}",
        "msg": f"Did not run command since '{args[why]}' {word}",
    }  # fmt: skip


def _result(reply: RunReply, stdout: str, shown: Any, strip: bool) -> Result:
    stderr = text(reply.stderr)
    if strip:
        stdout, stderr = stdout.rstrip("\r\n"), stderr.rstrip("\r\n")
    code = reply.exit_code if reply.exit_code is not None else -1
    result: Result = {
        "cmd": shown,
        "rc": code,
        "stdout": stdout,
        "stderr": stderr,
        "changed": True,
        "msg": "",
    }
    if shown is None:
        del result["cmd"]
    if code:
        reason = f"killed by signal {reply.signal}" if reply.signal else "non-zero return code"
        result.update(failed=True, msg=reason)
    return result


def _expandable(word: str) -> str:
    """The word for sh: quoted, but with the variables and the home Ansible's command expands."""
    head, slash, rest = word.partition("/")
    if head.startswith("~") and re.fullmatch(r"~[A-Za-z0-9_-]*", head):
        return head + slash + (_with_variables(rest) if rest else "")
    return _with_variables(word)


def _with_variables(word: str) -> str:
    if "$" not in word:
        return quote(word)
    parts, last = [], 0
    for found in re.finditer(_VARIABLE, word):
        parts.append(quote(word[last : found.start()]) if found.start() > last else "")
        # An unset variable stays as it was written.
        literal = found[0].replace("$", "\\$").replace("}", "\\}")
        parts.append(f'"${{{found[1] or found[2]}-{literal}}}"')
        last = found.end()
    parts.append(quote(word[last:]) if last < len(word) or not word else "")
    return "".join(parts)


_COMMON = {
    "_raw": Param("raw"), "cmd": Param(), "chdir": Param("path"), "creates": Param("path"),
    "removes": Param("path"), "executable": Param("path"),
}  # fmt: skip
_RUN = {
    **_COMMON, "stdin": Param("raw"), "stdin_add_newline": Param("bool", True),
    "strip_empty_ends": Param("bool", True),
}  # fmt: skip
MODULES = {
    "command": Module(
        Spec(
            "command",
            {**_RUN, "argv": Param("list"), "expand_argument_vars": Param("bool", True)},
            free_form="_raw",
            one_of=("_raw", "cmd", "argv"),
        ),
        command,
    ),
    "shell": Module(Spec("shell", _RUN, free_form="_raw", one_of=("_raw", "cmd")), shell),
    "raw": Module(
        Spec("raw", {"_raw": Param("raw"), "cmd": Param(), "executable": Param("path")}, free_form="_raw"),
        raw,
    ),
    "script": Module(
        Spec(
            "script",
            {**_RUN, "_data": Param("raw"), "decrypt": Param("bool", True)},
            free_form="_raw",
            one_of=("_raw", "cmd"),
        ),
        script,
    ),
}
