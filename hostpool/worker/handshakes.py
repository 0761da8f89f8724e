"""How many handshakes go on at once with one server or through one gateway: what it can take, learned.

An sshd drops connections while too many have not logged in yet (MaxStartups, sshd_config(5): by default
some from the tenth, all from the hundredth). ProxyJump needs no bound, its hosts share one connection;
several names of one address and a ProxyCommand's gateway do. Until a server drops us there is no bound
but the fanout: hosts that hang must not be waited for by their neighbours.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop

LONGEST_WAIT = 75.0
_LOOK = 0.25
_WORD = r"[\w.-]+"


class Handshakes:
    """One for each worker process. A drop makes the bound half of what ran then, each success raises
    it a little (additive increase, multiplicative decrease, as in RFC 5681)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, int] = {}
        self._limits: dict[str, float] = {}

    @contextmanager
    def place(self, target: Target, stop: Stop) -> Iterator[None]:
        """Waits for a place, holds it for one attempt and learns from how that ends.

        Raises Unreachable (throttled) after 75 s without a place, Cancelled when stopped meanwhile.
        """
        key = gateway(target)
        if key is None:
            yield
            return
        self._enter(key, target, stop)
        try:
            yield
        except Unreachable as error:
            if error.kind in ("throttled", "closed_early"):
                self._dropped(key)
            raise
        else:
            self._succeeded(key)
        finally:
            with self._changed:
                self._running[key] -= 1
                self._changed.notify_all()

    def limit(self, key: str) -> float:
        """How many may go on at once; infinite until the first drop."""
        return self._limits.get(key, math.inf)

    def _dropped(self, key: str) -> None:
        with self._changed:
            self._limits[key] = max(1.0, min(self.limit(key), self._running[key]) / 2)

    def _succeeded(self, key: str) -> None:
        with self._changed:
            if key in self._limits:
                self._limits[key] += 1 / self._limits[key]

    def _enter(self, key: str, target: Target, stop: Stop) -> None:
        until = time.monotonic() + LONGEST_WAIT
        with self._changed:
            while self._running.get(key, 0) + 1 > self.limit(key):
                if stop.reason is not None:
                    raise Cancelled("stopped while waiting for a handshake", host=target.name)
                if time.monotonic() > until:
                    raise Unreachable(
                        f"no place among the handshakes with {key} for {LONGEST_WAIT:g} s",
                        kind="throttled",
                        hint="the server takes too few at once: raise its MaxStartups, or lower --fanout",
                        host=target.name,
                    )
                self._changed.wait(_LOOK)
            self._running[key] = self._running.get(key, 0) + 1


def gateway(target: Target) -> str | None:
    """What has to bear the handshake: the server itself or, for a ProxyCommand, what is left of the
    command without the host's own words. None where hosts share one connection."""
    if target.jumps:
        return None
    if target.proxy_command is None:
        return f"{target.address}:{target.port}"
    own = {target.address, str(target.port), target.name, target.user}
    return re.sub(_WORD, lambda word: "%" if word[0] in own else word[0], target.proxy_command)
