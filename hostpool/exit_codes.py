"""What the process says when it ends: one table and one rule of precedence.

=====  ===========================================================================
code   meaning
=====  ===========================================================================
0      every selected host ended ok, changed or skipped
1      hostpool itself failed (a bug: a report file is named)
2      usage, inventory or playbook error: no host was touched; or no host matched
3      a host failed its task (failed, timeout)
4      a host was unreachable, lost or cancelled: its state is unknown
5      stopped early by max-fail or the run's deadline
6      all ok and something changed: only with ``--changed-exit-code``
75     the run's lock is held (EX_TEMPFAIL of sysexits.h)
130    interrupted by SIGINT
143    interrupted by SIGTERM or SIGHUP
=====  ===========================================================================

1, 2 and 75 come from errors and always win; among the others 130/143 > 5 > 4 > 3 > 6 > 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from hostpool.errors import HostpoolError, LockHeld, Problems, UsageError
from hostpool.results import Status

OK: Final = 0
BUG: Final = 1
USAGE: Final = 2
HOST_FAILED: Final = 3
HOST_UNKNOWN: Final = 4
STOPPED_EARLY: Final = 5
CHANGED: Final = 6
LOCK_HELD: Final = 75
SIGINT: Final = 130
SIGTERM: Final = 143

_BY_SIGNAL: Final = {"SIGINT": SIGINT, "SIGTERM": SIGTERM, "SIGHUP": SIGTERM}


def exit_code(
    counts: Mapping[Status, int],
    *,
    interrupted: str | None = None,
    stopped_early: bool = False,
    changed_exit_code: bool = False,
) -> int:
    """The code of a run that took place, from how many hosts ended in each status.

    ``interrupted`` names the signal (``SIGINT``, ``SIGTERM``, ``SIGHUP``); ``stopped_early`` says that
    max-fail or the deadline ended the run. Hosts that never started count as stopped early too: they
    are neither well nor failed, and 0 would be a lie.
    """
    if interrupted is not None:
        return _BY_SIGNAL.get(interrupted, SIGTERM)
    if stopped_early or counts.get("not_run", 0):
        return STOPPED_EARLY
    if any(counts.get(status, 0) for status in ("unreachable", "lost", "cancelled")):
        return HOST_UNKNOWN
    if counts.get("failed", 0) or counts.get("timeout", 0):
        return HOST_FAILED
    if changed_exit_code and counts.get("changed", 0):
        return CHANGED
    return OK


def largest_remote(code: int, remote: Iterable[int | None]) -> int:
    """``-S``: the largest exit code of any host's command stands for 0, 3 and 6.

    A run that was stopped, or in which a host's state is unknown, keeps its own code, and so does a
    failure that left no exit code (a signal, a time-out).
    """
    if code not in (OK, HOST_FAILED, CHANGED):
        return code
    largest = max((value for value in remote if value is not None), default=0)
    return min(largest, 255) or code


def of_error(error: HostpoolError) -> int:
    """The code of a run that never took place, or that hostpool itself could not finish."""
    if isinstance(error, LockHeld):
        return LOCK_HELD
    if isinstance(error, (UsageError, Problems)):
        return USAGE
    return BUG
