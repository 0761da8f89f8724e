"""Connecting, again where it may help: jittered backoff within the connect deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.tasks.session import Session

FIRST_PAUSE = 0.5
THROTTLED_PAUSE = 1.0
THROTTLED_BUDGET = 75.0
"""Seconds for a server that drops us because too many connect at once (MaxStartups)."""
LONGEST_PAUSE = 10.0
SHORTEST_ATTEMPT = 0.5


class Connector(Protocol):
    """The transports' way in: one attempt, bounded by ``target.connect_timeout``."""

    def connect(self, target: Target, stop: Stop) -> Session: ...


def connect(
    connector: Connector,
    target: Target,
    retries: int,
    stop: Stop,
    on_retry: Callable[[int, Unreachable, float], None],
) -> tuple[Session, int]:
    """A session and the number of attempts it took.

    Failures that may heal are tried again up to ``retries`` times, all of it within
    ``target.connect_timeout``; a throttling server is waited for beyond that. Raises the last
    Unreachable (its ``attempts`` attribute counts), or Cancelled when stopped meanwhile.
    """
    began = time.monotonic()
    ends = began + target.connect_timeout
    attempt = 0
    counted = 0
    while True:
        attempt += 1
        throttled_so_far = attempt - 1 - counted
        left = ends - time.monotonic()
        limit = target.connect_timeout if throttled_so_far else max(left, SHORTEST_ATTEMPT)
        try:
            return connector.connect(msgspec.structs.replace(target, connect_timeout=limit), stop), attempt
        except Unreachable as error:
            if stop.reason is not None:
                raise Cancelled("stopped while connecting", host=target.name) from error
            throttled = error.kind == "throttled"
            pause = _pause(attempt, throttled)
            counted += 0 if throttled else 1
            until = began + THROTTLED_BUDGET if throttled else ends - SHORTEST_ATTEMPT
            if not error.retryable or counted > retries or time.monotonic() + pause > until:
                error.attempts = attempt
                raise
            on_retry(attempt, error, pause)
            if stop.wait(pause):
                raise Cancelled("stopped while connecting", host=target.name) from error


def _pause(attempt: int, throttled: bool) -> float:
    """Exponential, with full jitter in its upper half (so that 500 hosts do not come back at once)."""
    base = THROTTLED_PAUSE if throttled else FIRST_PAUSE
    longest: float = min(LONGEST_PAUSE, base * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)
