"""Connecting, again where it may help: jittered backoff within the connect deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

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


T = TypeVar("T")


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
    """A session and the number of attempts it took. Raises as :func:`persist`."""
    return persist(connector.connect, target, retries, stop, on_retry)


def persist(
    attempt_once: Callable[[Target, Stop], T],
    target: Target,
    retries: int,
    stop: Stop,
    on_retry: Callable[[int, Unreachable, float], None],
) -> tuple[T, int]:
    """What one attempt gives, and the number of attempts it took.

    Failures that may heal are tried again up to ``retries`` times, all of it within
    ``target.connect_timeout``. A server that says it throttles us is waited for beyond that, and one
    that hangs up before its banner (it may be throttling without a word) as often as the time allows.
    Raises the last Unreachable (its ``attempts`` counts), or Cancelled when stopped meanwhile.
    """
    began = time.monotonic()
    ends = began + target.connect_timeout
    attempt = 0
    counted = 0
    while True:
        attempt += 1
        limit = max(ends - time.monotonic(), SHORTEST_ATTEMPT)
        try:
            return attempt_once(msgspec.structs.replace(target, connect_timeout=limit), stop), attempt
        except Unreachable as error:
            if stop.reason is not None:
                raise Cancelled("stopped while connecting", host=target.name) from error
            throttled = error.kind == "throttled"
            crowded = throttled or error.kind == "closed_early"
            pause = _pause(attempt, crowded)
            counted += 0 if crowded else 1
            until = began + THROTTLED_BUDGET if throttled else ends - SHORTEST_ATTEMPT
            if not error.retryable or counted > retries or time.monotonic() + pause > until:
                error.attempts = attempt
                raise
            if throttled:
                # The next attempt has the whole time again: the server is there, and busy.
                ends = time.monotonic() + pause + target.connect_timeout
            on_retry(attempt, error, pause)
            if stop.wait(pause):
                raise Cancelled("stopped while connecting", host=target.name) from error


def _pause(attempt: int, crowded: bool) -> float:
    """Exponential, with full jitter in its upper half (so that 500 hosts do not come back at once)."""
    base = THROTTLED_PAUSE if crowded else FIRST_PAUSE
    longest: float = min(LONGEST_PAUSE, base * 2.0 ** (attempt - 1))
    import random  # a millisecond, for who has to wait

    return longest * random.uniform(0.5, 1.0)
