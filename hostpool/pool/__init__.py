"""The bounded pool of worker processes: hosts in the place of arguments, a task is bytes to it."""

from hostpool.pool.pool import HostPool
from hostpool.pool.result import AsyncResult

__all__ = ["AsyncResult", "HostPool"]
