"""Entry point: stdlib only, so that the fork server starts before anything else is imported.

Everything that nothing else caught ends here: a bug becomes a report, a closed pipe silence.
"""

from __future__ import annotations

import os
import signal
import sys

_ON_HOSTS = frozenset({"run", "script", "ping", "demo"})
_NEEDS_NO_HOST = frozenset({"--help", "-h", "--list-hosts"})


def _will_reach_hosts(argv: list[str]) -> bool:
    """A guess from the bare words: a wrong one costs a moment, never the result."""
    return (
        bool(argv)
        and argv[0] in _ON_HOSTS
        and len(argv) > 1 - (argv[0] == "demo")
        and not (_NEEDS_NO_HOST.intersection(argv))
    )


def _open_closed_streams() -> None:
    """With ``>&-`` the next socket would become our stdout, and a host get what we print."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 -- for good


def _guarded(argv: list[str]) -> int:
    if _will_reach_hosts(argv) and "_HOSTPOOL_COMPLETE" not in os.environ:
        from hostpool.pool.early import start_forkserver

        start_forkserver()
    from hostpool.cli.app import main as command_line

    code = command_line(argv)
    sys.stdout.flush()
    return code


def _ended_by(number: signal.Signals) -> int:
    """What a shell reports for a program that died of the signal."""
    return 128 + number


def _drop_output() -> None:
    """The reader has gone: what is still buffered must not raise when the interpreter ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(null, stream.fileno())
        except (OSError, ValueError, AttributeError):
            pass


def main() -> int:
    """The console script. Returns the exit code."""
    argv = sys.argv[1:]
    _open_closed_streams()
    try:
        return _guarded(argv)
    except KeyboardInterrupt:
        return _ended_by(signal.SIGINT)
    except BrokenPipeError:
        _drop_output()
        return _ended_by(signal.SIGPIPE)
    except Exception as error:
        from hostpool.cli.bugs import tell

        tell(error, argv)
        return 1


if __name__ == "__main__":
    sys.exit(main())
