"""The commands that reading an ssh_config may run: ``Match exec`` and ``ssh -G``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

LIMIT = 30.0
"""Seconds. OpenSSH waits for ever; a run must not."""


class CommandProblem(Exception):
    """A command that did not come to an ordinary end; the text says why."""


def run_in_shell(command: str, env: Mapping[str, str]) -> bool:
    """Whether ``command``, run by the user's shell, exits with 0. Its output is dropped.

    Raises CommandProblem when it is killed, takes longer than LIMIT or the shell cannot be run.
    """
    shell = env.get("SHELL") or "/bin/sh"
    if not os.access(shell, os.X_OK):
        raise CommandProblem(f"the shell {shell} cannot be run")
    status, _, _ = run((shell, "-c", command), env)
    if status < 0:
        raise CommandProblem(f"{command!r} was killed by signal {-status}")
    return status == 0


def run(argv: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
    """Exit status, standard output and error of a command with nothing on its standard input.

    Raises CommandProblem.
    """
    import subprocess  # costs 8 ms: most configurations never run a command

    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
            env=dict(env),
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise CommandProblem(f"{argv[-1]!r} took longer than {LIMIT:g} seconds") from None
    except OSError as error:
        raise CommandProblem(f"{argv[0]}: {error.strerror}") from None
    return done.returncode, _text(done.stdout), _text(done.stderr)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
