"""Connections to jump hosts, one for each route and process, shared by all that go over it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from hostpool.errors import Unreachable
from hostpool.messages import Target
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.hostkeys import how_to_accept
from hostpool.ssh.mapping import place, unreachable
from hostpool.ssh.transport import Transport
from hostpool.ssh.tunnel import Tunnel

Route = tuple[Target, ...]
Open = Callable[[Target, Attempt], tuple[Transport, Heartbeat]]
"""Connects to a target and logs in, over its own jumps."""


class _Jump:
    """One jump host reached by one route. ``failures`` counts, so that whoever waited while an
    attempt failed shares its failure instead of repeating it."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.transport: Transport | None = None
        self.heartbeat: Heartbeat | None = None
        self.failures = 0
        self.failure: Unreachable | None = None


class Jumps:
    def __init__(self, connect: Open) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._jumps: dict[Route, _Jump] = {}

    def tunnel(self, target: Target, attempt: Attempt) -> Tunnel:
        """A connection to ``target`` made by the last of its jump hosts. Raises Unreachable,
        EOFError when the attempt ended."""
        hop = target.jumps[-1]
        attempt.stage = "jump"
        transport, heartbeat = self._jump(target, attempt)
        attempt.stage = "jump"
        tunnel = Tunnel(transport, heartbeat, target.address, target.port)
        attempt.guard(tunnel.abort)
        channel = tunnel.ready()
        if channel.opened and not attempt.end:
            return tunnel
        tunnel.close()
        if channel.refusal is not None:
            raise _refused(target, hop, channel.refusal)
        if channel.dead:
            raise unreachable(
                target, "jump_failed", f"the connection to the jump host {place(hop)} broke", retryable=True
            )
        if tunnel.silent():
            transport.kill()  # it may be the jump host that is dead: the next attempt finds out
        raise EOFError

    def close(self) -> None:
        with self._lock:
            jumps = list(self._jumps.values())
            self._jumps.clear()
        for jump in jumps:
            if jump.heartbeat is not None:
                jump.heartbeat.close()
            if jump.transport is not None:
                jump.transport.close()

    def _jump(self, target: Target, attempt: Attempt) -> tuple[Transport, Heartbeat]:
        hop = msgspec.structs.replace(target.jumps[-1], jumps=target.jumps[:-1])
        with self._lock:
            jump = self._jumps.setdefault(_route(target.jumps), _Jump())
        failures = jump.failures
        while not jump.turn.acquire(timeout=min(attempt.remaining(), 0.5)):
            if attempt.end:
                raise EOFError
        try:
            if jump.transport is not None and jump.heartbeat is not None and jump.transport.is_active():
                return jump.transport, jump.heartbeat
            if jump.failures != failures and jump.failure is not None:
                raise _failed(target, hop, jump.failure)
            return self._reach(jump, target, hop, attempt)
        finally:
            jump.turn.release()

    def _reach(
        self, jump: _Jump, target: Target, hop: Target, attempt: Attempt
    ) -> tuple[Transport, Heartbeat]:
        try:
            jump.transport, jump.heartbeat = self._connect(hop, attempt)
        except Unreachable as error:
            jump.failures += 1
            jump.failure = error
            raise _failed(target, hop, error) from error
        return jump.transport, jump.heartbeat


def _route(jumps: Route) -> Route:
    """What makes two routes the same: not the name of a hop, nor how long one may take."""
    return tuple(msgspec.structs.replace(hop, name="", connect_timeout=0.0) for hop in jumps)


def _failed(target: Target, hop: Target, error: Unreachable) -> Unreachable:
    kind = "throttled" if error.kind == "throttled" else "jump_failed"
    return unreachable(
        target,
        kind,
        f"jump host {hop.name or place(hop)}: {error.message}",
        how_to_accept(target.name) if error.kind == "host_key_unknown" else error.hint,
        retryable=error.retryable,
    )


def _refused(target: Target, hop: Target, refusal: tuple[int, str]) -> Unreachable:
    code, text = refusal
    if code == 1:  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
        return unreachable(
            target,
            "jump_failed",
            f"the jump host {place(hop)} does not forward to {place(target)}: {text or 'prohibited'}",
            "AllowTcpForwarding or PermitOpen in its sshd_config",
        )
    return unreachable(
        target,
        "jump_failed",
        f"the jump host {place(hop)} cannot connect to {place(target)}: {text or 'connect failed'}",
        "the host is down, or its address is meant for another network",
        retryable=True,
    )
