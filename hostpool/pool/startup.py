"""What can go wrong while workers start, in words; and how many sessions one may keep."""

from __future__ import annotations

import resource
import signal
import sys

import msgspec

from hostpool.errors import PoolBrokenError
from hostpool.pool.link import MISSING_GUARD

_FILES_PER_SESSION = 3
_RESERVE = 64


def in_bootstrapping_child() -> bool:
    """Whether this process is a child that is just importing the parent's ``__main__``."""
    multiprocessing = sys.modules.get("multiprocessing.process")  # only what it started can be one
    return multiprocessing is not None and hasattr(multiprocessing.current_process(), "_inheriting")


def death_reason(status: int | None) -> PoolBrokenError:
    """Why workers die before they are ready, as far as the exit status of the last one tells."""
    if status == MISSING_GUARD:
        return PoolBrokenError(
            "the script makes its HostPool at import, so every worker process would make one too",
            hint='put what makes and uses the pool under `if __name__ == "__main__":`',
        )
    if status is None:
        what = "did not start"
    elif status < 0:
        what = f"were killed by signal {signal.Signals(-status).name}"
    else:
        what = f"ended with status {status}"
    return PoolBrokenError(
        f"three worker processes in a row {what} before they were ready",
        hint="what they printed stands above; a KILL is often the out-of-memory killer (dmesg), a status "
        "1 an import that fails in the worker",
    )


def session_cap() -> int:
    """How many open sessions one worker may keep: what its file descriptors allow."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = 65536 if hard == resource.RLIM_INFINITY else hard
    return max(8, (limit - _RESERVE) // _FILES_PER_SESSION)


class Narrowed(msgspec.Struct, frozen=True):
    """Fewer hosts in flight than was asked for, and why."""

    fanout: int
    note: str


def narrowed(workers: int, fanout: int) -> Narrowed | None:
    """None where the hard limit of open files leaves room for ``fanout`` sessions in so many workers
    (each raises its soft limit by itself)."""
    room = workers * session_cap()
    if fanout <= room:
        return None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Narrowed(
        room,
        f"{room} hosts at the same time instead of {fanout}: a process may open only {hard} files here "
        "(ulimit -Hn; root raises it in limits.conf or LimitNOFILE=), or take more --workers",
    )
