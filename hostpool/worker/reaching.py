"""Requests about the way to a host: log in anew, look at its keys."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from hostpool.errors import TaskFailed, Unreachable
from hostpool.messages import Target
from hostpool.stop import Stop
from hostpool.tasks.host_keys import Sighting
from hostpool.tasks.session import Session
from hostpool.worker.connecting import Connector, connect

SHORTEST = 0.5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
REFUSALS = 3
"""Of a password, after which it is not tried again: accounts lock."""


class Ways(Connector, Protocol):
    """All that leads to hosts."""

    def warnings(self) -> list[str]:
        """What a person should know about our own files, each once; empty most of the time."""
        ...

    def host_keys(self, target: Target, stop: Stop) -> Sighting:
        """One attempt, bounded by ``target.connect_timeout``. Raises as ``Connector.connect``."""
        ...


def reconnect(connector: Connector, target: Target, within: float, stop: Stop) -> Session:
    """Logs in as soon as the host lets us, for ``within`` seconds. Raises the last Unreachable, or
    Cancelled.

    Almost anything may be temporary while a host boots: no route, a closed port, another key (of the
    system that unlocks its disk), a login refused because the system is not up (pam_nologin(8)).
    """
    if target.connection == "local":
        raise TaskFailed("this machine itself is not left and reached again", kind="local", host=target.name)
    ends = time.monotonic() + within
    pause = FIRST_PAUSE
    refusals = 0
    while True:
        limit = min(target.connect_timeout, max(SHORTEST, ends - time.monotonic()))
        try:
            one = msgspec.structs.replace(target, connect_timeout=limit)
            return connect(connector, one, 0, stop, lambda *_: None)[0]
        except Unreachable as error:
            refusals += error.kind == "auth_failed" and target.password is not None
            if refusals >= REFUSALS or time.monotonic() + pause >= ends:
                raise
        stop.wait(pause)  # when stopped, the next attempt says so
        pause = min(LONGEST_PAUSE, pause * 1.5)
