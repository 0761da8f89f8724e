"""hostpool: one task on many hosts over SSH, on a bounded pool of worker processes.

The names below are the public API; each is imported when it is first used, so that
``import hostpool`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostpool._version import __version__

if TYPE_CHECKING:
    from hostpool.errors import HostpoolError, TimeoutError
    from hostpool.inventory import Inventory
    from hostpool.pool import AsyncResult, HostPool
    from hostpool.results import HostResult
    from hostpool.settings import Settings
    from hostpool.tasks import Command, Get, Ping, Put, Script, Sync

_HOMES = {
    "AsyncResult": "hostpool.pool",
    "Command": "hostpool.tasks",
    "Get": "hostpool.tasks",
    "HostPool": "hostpool.pool",
    "HostResult": "hostpool.results",
    "HostpoolError": "hostpool.errors",
    "Inventory": "hostpool.inventory",
    "Ping": "hostpool.tasks",
    "Put": "hostpool.tasks",
    "Script": "hostpool.tasks",
    "Settings": "hostpool.settings",
    "Sync": "hostpool.tasks",
    "TimeoutError": "hostpool.errors",
}

__all__ = [
    "AsyncResult",
    "Command",
    "Get",
    "HostPool",
    "HostResult",
    "HostpoolError",
    "Inventory",
    "Ping",
    "Put",
    "Script",
    "Settings",
    "Sync",
    "TimeoutError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hostpool' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
