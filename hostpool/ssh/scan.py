"""Which keys a server shows: key exchanges that end before the login."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import msgspec

from hostpool.messages import Target
from hostpool.openssh.known_hosts import Status, Verdict, fingerprint
from hostpool.openssh.known_hosts import key_type as type_of
from hostpool.ssh.algorithms import HOST_KEYS, choose, key_type, offer_for
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.hostkeys import names_of
from hostpool.ssh.mapping import connect_failure, place
from hostpool.ssh.transport import Transport
from hostpool.ssh.wire import Wire
from hostpool.stop import Stop
from hostpool.tasks.host_keys import KeyState, SeenKey, Sighting

if TYPE_CHECKING:
    from hostpool.ssh.context import SSHContext


class JumpKeys:
    """What jump hosts showed, so that five hundred hosts behind one do not ask it five hundred times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[tuple[Target, ...], threading.Lock] = {}
        self._seen: dict[tuple[Target, ...], tuple[SeenKey, ...]] = {}

    def of(self, context: SSHContext, route: tuple[Target, ...], attempt: Attempt) -> tuple[SeenKey, ...]:
        """Of the last host of ``route``. Raises as :func:`host_keys`."""
        with self._lock:
            turn = self._turns.setdefault(route, threading.Lock())
        while not turn.acquire(timeout=min(attempt.remaining(), 0.5)):
            if attempt.end:
                raise connect_failure(EOFError(), route[-1], attempt, None)
        try:
            if route not in self._seen:
                hop = msgspec.structs.replace(route[-1], jumps=route[:-1])
                self._seen[route] = _look(context, hop, attempt, jump=True)
            return self._seen[route]
        finally:
            turn.release()


def host_keys(context: SSHContext, target: Target, stop: Stop) -> Sighting:
    """The keys of the jump hosts before ``target``, as far as one knows them, then its own.

    All within ``target.connect_timeout``. Raises Unreachable, or Cancelled when ``stop`` was requested.
    """
    attempt = Attempt(context.alarms, target.connect_timeout, stop)
    keys: list[SeenKey] = []
    try:
        for number, hop in enumerate(target.jumps, 1):
            seen = context.jump_keys.of(context, target.jumps[:number], attempt)
            keys += seen
            if hop.host_keys != "off" and not any(key.state == "known" for key in seen):
                return Sighting(tuple(keys), hop.name)
        return Sighting((*keys, *_look(context, target, attempt, jump=False)))
    finally:
        attempt.close()


def _look(context: SSHContext, target: Target, attempt: Attempt, *, jump: bool) -> tuple[SeenKey, ...]:
    """One key if it is known, else one of each type that the server has."""
    target = msgspec.structs.replace(target, host_keys="strict")
    allowed = choose(target.host_key_algorithms, HOST_KEYS, HOST_KEYS)
    found: list[tuple[bytes, Verdict]] = []
    asked: set[str] = set()
    algorithms: tuple[str, ...] = context.host_keys.order(target)
    while algorithms:
        blob, offered = _exchange(context, target, algorithms, attempt)
        found.append(context.host_keys.examine(target, blob))
        if found[0][1].status is Status.KNOWN:
            break
        asked |= {type_of(found[-1][0]), *({key_type(algorithms[0])} if len(found) > 1 else ())}
        wanted = next((n for n in allowed if n in offered and key_type(n) not in asked), None)
        algorithms = tuple(n for n in allowed if wanted and key_type(n) == key_type(wanted))
    known = any(verdict.status is Status.KNOWN for _, verdict in found)
    return tuple(_seen(target, blob, verdict, known, jump) for blob, verdict in found)


def _exchange(
    context: SSHContext, target: Target, algorithms: tuple[str, ...], attempt: Attempt
) -> tuple[bytes, tuple[str, ...]]:
    """The key (whose owner proved that it is its own) and all that the server offers."""
    wire: Wire | None = None
    probe: Transport | None = None
    with attempt.scope():
        try:
            wire = context.wire(target, attempt)
            attempt.guard(wire.abort)
            attempt.stage = "banner"
            probe = Transport(wire, offer_for(target, algorithms, Transport.supported()))
            probe.negotiate(attempt)
            if attempt.end:
                raise EOFError
            return probe.host_key_blob, probe.offered.host_keys if probe.offered else ()
        except Exception as error:
            raise connect_failure(error, target, attempt, probe) from error
        finally:
            if probe is not None:
                probe.close()
            elif wire is not None:
                wire.close()


_STATES: dict[Status, KeyState] = {
    Status.KNOWN: "known",
    Status.UNKNOWN: "unknown",
    Status.CHANGED: "changed",
    Status.REVOKED: "revoked",
}


def _seen(target: Target, blob: bytes, verdict: Verdict, known: bool, jump: bool) -> SeenKey:
    state = _STATES[verdict.status]
    entries = verdict.entries
    if state == "changed" and known:
        # The host has proven another key that we know; only one of the same type is contradicted.
        entries = tuple(entry for entry in entries if entry.key_type == type_of(blob))
        state = "changed" if entries else "unknown"
    return SeenKey(
        host=target.name,
        address=place(target),
        type=type_of(blob),
        fingerprint=fingerprint(blob),
        state=state,
        key=base64.b64encode(blob).decode(),
        names=names_of(target),
        file=target.known_hosts[0] if target.known_hosts else None,
        hashed=target.hash_known_hosts,
        jump=jump,
        places=tuple(f"{entry.file}:{entry.line}" for entry in entries),
    )
