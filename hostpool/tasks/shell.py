"""How words and programs reach a POSIX sh unharmed, whatever the login shell is.

sshd hands a command to the login shell, and csh, tcsh, fish and sh quote differently. So what has to
arrive exactly goes over standard input: the command line is a constant that all of them read alike,
it starts /bin/sh, and that reads one line, the program, and leaves all that follows to the program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from hostpool.tasks.base import Effect, Run

READ_AND_RUN = 'IFS= read -r hostpool && eval "$hostpool"'
"""sh: one line of stdin is the program. POSIX read takes no byte beyond the newline from a pipe."""

BOOTSTRAP = f"exec /bin/sh -c '{READ_AND_RUN}'"

SHELL = "exec /bin/sh"
"""A shell that reads programs from its standard input."""

NO_CHDIR = 125
"""Exit status when ``chdir`` failed, as env(1) has it."""

END_OF_TRANSMISSION = b"\x04\x04"
"""Control-D, which a terminal takes for the end of file; twice, where no line has just been ended."""

END_AFTER = 1.0
"""Seconds that a command become through sudo gets to end by itself before the end of file is typed.
Up to 1.9.13, sudo with use_pty hangs for good when something is typed just as its command ends
(https://github.com/sudo-project/sudo/pull/247)."""

_SAFE = re.compile(r"[A-Za-z0-9_@%+:,./-]+")  # no "=": zsh expands =word
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./:=,+@%-")
_QUOTABLE = re.compile(r"[ \"#-&(-\[\]-~]*")
_LONGEST = 900
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Invocation(msgspec.Struct, frozen=True):
    """``command`` is what sshd gets to execute, ``head`` what goes to its stdin before anything else."""

    command: bytes
    head: bytes = b""


class NeedsShell(ValueError):
    """The request needs a POSIX sh, and the host is said to have none."""


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("a NUL character cannot be passed to a shell")


def quote(word: str) -> str:
    """``word`` as one word of POSIX sh. NUL cannot be in a word: ValueError."""
    _refuse_nul(word)
    if _SAFE.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def is_variable_name(name: str) -> bool:
    """Whether sh can hold an environment variable of this name."""
    return _NAME.fullmatch(name) is not None


def one_line(program: str) -> str:
    """An equivalent of ``program`` without a newline."""
    _refuse_nul(program)
    if "\n" not in program:
        return program
    line = program.replace("\\", "\\0134").replace("'", "\\0047").replace("\n", "\\n")
    return f"eval \"$(printf %b '{line}')\""


def whole(program: str) -> str:
    """For a shell that reads its script from standard input: nothing of ``program`` is run before all of it
    has come."""
    _refuse_nul(program)
    return f"{{ {program}\n}}\n"


def in_words(program: str) -> str:
    """A command line that runs ``program`` in /bin/sh and leaves stdin alone (a terminal's line has at
    most 4 KiB). For every login shell: nothing that any of them treats specially is in its quotes."""
    return f"""exec /bin/sh -c 'eval "$(printf %b "$1")"' hostpool '{coded(program)}'"""


def any_shell(words: Sequence[str]) -> str:
    """The words as a command line that all login shells read alike, "" where there is none: nothing is in its
    quotes that csh, tcsh, fish or sh treats specially. Old ones of csh take 1,024 bytes."""
    line = " ".join(word if _SAFE.fullmatch(word) else f"'{word}'" for word in words)
    fits = len(line) <= _LONGEST and all(map(_QUOTABLE.fullmatch, words))
    return f"exec {line}" if fits and words and not words[0].startswith("-") else ""


def coded(program: str) -> str:
    """For ``printf %b``, and for the inside of single quotes in any shell."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in encode(program))


def prelude(env: tuple[tuple[str, str], ...], chdir: str | None) -> str:
    """sh that sets the environment and the directory. Raises ValueError for an impossible name."""
    lines = []
    for name, value in env:
        if not is_variable_name(name):
            raise ValueError(f"{name!r} is not a name sh can give to a variable")
        lines.append(f"export {name}={quote(value)}; ")
    if chdir is not None:
        # CDPATH would make cd print and go elsewhere, a leading - is an option
        lines.append(f"CDPATH= cd -- {quote(chdir)} || exit {NO_CHDIR}; ")
    return "".join(lines)


def program_of(request: Run) -> str:
    """The sh program a request amounts to; a ``command`` is left to the user's own shell. Raises ValueError
    for what no shell can take."""
    before = prelude(request.env, request.chdir)
    if request.program is None:
        return f'{before}exec "${{SHELL:-/bin/sh}}" -c {quote(request.command)}'
    _refuse_nul(request.program)
    words = " ".join(["set --", *(quote(arg) for arg in request.args)])
    return f"{before}{words}; {request.program}"


def invocation(request: Run, *, shell: bool) -> Invocation:
    """What to execute for ``request``. Raises NeedsShell where that takes a POSIX sh and ``shell`` is
    False (or the request is raw), ValueError for what no shell can take."""
    wrapped = request.program is not None or request.env or request.chdir is not None
    if not wrapped:
        return Invocation(encode(request.command))
    if request.raw or not shell:
        what = "--raw" if request.raw else "hostpool_shell: none"
        raise NeedsShell(f"{what} sends the bare command: no environment, no directory, no script")
    if request.line and not (request.tty or request.env or request.chdir):
        return Invocation(encode(request.line))
    program = program_of(request)
    if request.tty:
        return Invocation(encode(in_words(program)))
    if request.program is not None and request.effect is Effect.QUERY and not request.stdin:
        # Nothing follows it, so the shell may read it as its script, by blocks and not byte by byte. It
        # begins when it has all of it. A person's own script is no query: that runs up to its mistakes.
        return Invocation(encode(SHELL), encode(whole(program)))
    return Invocation(encode(BOOTSTRAP), encode(one_line(program)) + b"\n")


def encode(text: str) -> bytes:
    """The bytes of a command line; those that were no UTF-8 come out as they went in."""
    return text.encode("utf-8", "surrogateescape")
