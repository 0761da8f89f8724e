"""What ``apply_async`` returns, in the manner of multiprocessing.pool.AsyncResult."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hostpool.errors import PoolError, TimeoutError
from hostpool.results import HostResult

Callback = Callable[[HostResult], object]


class AsyncResult:
    """The result of one job, now or later. Failures of the host are data in it, never raised.

    All results of a pool share one condition, so that 100,000 of them stay cheap.
    """

    __slots__ = ("_condition", "_forbidden", "_result", "host")

    def __init__(self, host: str, condition: threading.Condition, forbidden: Callable[[], bool]) -> None:
        self.host = host
        self._condition = condition
        self._forbidden = forbidden
        self._result: HostResult | None = None

    def ready(self) -> bool:
        """Whether the result is there."""
        return self._result is not None

    def successful(self) -> bool:
        """Whether the host ended ok, changed or skipped. Raises ValueError before it is ready."""
        if self._result is None:
            raise ValueError(f"the result of {self.host} is not ready")
        return self._result.ok

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the result is there or ``timeout`` seconds have passed."""
        if self._result is not None:
            return
        refuse_in_callback(self._forbidden)
        until = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while self._result is None:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return
                self._condition.wait(left)

    def get(self, timeout: float | None = None) -> HostResult:
        """The result. Raises errors.TimeoutError when it is not there within ``timeout`` seconds."""
        self.wait(timeout)
        if self._result is None:
            raise TimeoutError(f"{self.host} has no result after {timeout:g} s", host=self.host)
        return self._result

    def _set(self, result: HostResult) -> None:
        """Called by the pool, once, holding the condition."""
        self._result = result


def refuse_in_callback(forbidden: Callable[[], bool]) -> None:
    """A blocking call on the callback thread would wait for itself."""
    if forbidden():
        raise PoolError(
            "a callback must not wait for the pool",
            hint="callbacks share one thread; use apply_async with a callback of its own instead",
        )
