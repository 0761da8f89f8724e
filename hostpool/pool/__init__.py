"""The bounded pool of worker processes: hosts in the place of arguments, a task is bytes to it.

Names are resolved on first use: ``early`` starts the fork server before anything else is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hostpool.pool.pool import HostPool
    from hostpool.pool.result import AsyncResult

__all__ = ["AsyncResult", "HostPool"]


def __getattr__(name: str) -> Any:
    if name == "HostPool":
        from hostpool.pool.pool import HostPool

        return HostPool
    if name == "AsyncResult":
        from hostpool.pool.result import AsyncResult

        return AsyncResult
    raise AttributeError(f"module 'hostpool.pool' has no attribute {name!r}")
