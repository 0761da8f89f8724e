"""Entry point: forks the server of workers before it imports what only one of the two needs.

Everything that nothing else caught ends here: a bug becomes a report, a closed pipe silence.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
from typing import NoReturn

_ON_HOSTS = frozenset(
    {"run", "script", "ping", "put", "get", "sync", "play", "reboot", "rerun", "keys", "facts", "demo"}
)
_COMMANDS_ONLY = frozenset({"run", "script", "ping", "reboot", "keys", "facts"})
_COLLECT = (50_000, 5, 5)
"""When the collector looks for garbage (gc.set_threshold). Python's 700 objects come 60 times while a play
starts, and imports leave no garbage: 8 ms. So many that are garbage, in cycles, take some 5 MiB."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_NEEDS_NO_HOST = frozenset({"--help", "-h", "--list-hosts", "--syntax-check", "--list-tasks", "--list-tags"})


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
    from hostpool.lean import import_leanly

    gc.disable()
    import_leanly()
    if _will_reach_hosts(argv) and "_HOSTPOOL_COMPLETE" not in os.environ:
        from hostpool.pool.early import fork_early

        fork_early(argv[0], everything=argv[0] not in _COMMANDS_ONLY)
    gc.set_threshold(*_COLLECT)
    gc.enable()
    from hostpool.cli.app import main as command_line

    return _flushed(command_line(argv))


def _flushed(code: int) -> int:
    """What is still buffered goes out now, while a failure can be told."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough: that the command did its work is not changed by it.
        _drop_output()
    except OSError as error:
        _drop_output()
        if code != 1:
            sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
        return 1
    return code


def _ended_by(number: signal.Signals) -> int:
    """What a shell reports for a program that died of the signal."""
    return 128 + number


def _drop_output() -> None:
    """What nobody takes must not raise once more when the interpreter ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def console() -> NoReturn:
    """The console script.

    When all that was registered for the end is done, the process leaves: taking the interpreter apart, object
    by object, would take 40 ms for nobody's good.
    """
    code: list[int] = []
    atexit.register(_leave, code)  # the first that is registered is the last that is done
    code.append(main())
    sys.exit(code[0])


def _leave(code: list[int]) -> None:
    if not code:
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads it; if that was worth telling, main told it
            pass
    os._exit(code[0])


def main() -> int:
    """What the command line asks for. Returns the exit code."""
    argv = sys.argv[1:]
    _open_closed_streams()
    try:
        return _guarded(argv)
    except KeyboardInterrupt:
        return _ended_by(signal.SIGINT)
    except BrokenPipeError:
        _drop_output()
        return _ended_by(signal.SIGPIPE)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _bug(error, argv)
        _drop_output()
        sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
        return 1
    except Exception as error:
        return _bug(error, argv)


def _bug(error: Exception, argv: list[str]) -> int:
    from hostpool.cli.bugs import tell

    tell(error, argv)
    return 1


if __name__ == "__main__":
    console()
