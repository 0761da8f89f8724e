"""How many handshakes go on at once with one server or through one gateway: bounded, and learned.

An sshd drops connections while too many have not logged in yet (MaxStartups, sshd_config(5): by default
some from the tenth, all from the hundredth). ProxyJump needs no bound, its hosts share one connection;
several names of one address and a ProxyCommand's gateway do.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop

FIRST_LIMIT = 8.0
LARGEST_LIMIT = 64.0
LONGEST_WAIT = 75.0
_LOOK = 0.25
_WORD = re.compile(r"[\w.-]+")


class Handshakes:
    """One for each worker process. A drop halves the bound, each success raises it a little (additive
    increase, multiplicative decrease, as in RFC 5681)."""

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
                self._limits[key] = max(1.0, self.limit(key) / 2)
            raise
        else:
            self._limits[key] = min(LARGEST_LIMIT, self.limit(key) + 1 / self.limit(key))
        finally:
            with self._changed:
                self._running[key] -= 1
                self._changed.notify_all()

    def limit(self, key: str) -> float:
        return self._limits.get(key, FIRST_LIMIT)

    def _enter(self, key: str, target: Target, stop: Stop) -> None:
        until = time.monotonic() + LONGEST_WAIT
        with self._changed:
            while self._running.get(key, 0) >= int(self.limit(key)):
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
    return _WORD.sub(lambda word: "%" if word[0] in own else word[0], target.proxy_command)
