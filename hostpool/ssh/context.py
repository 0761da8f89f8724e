"""What all connections of one worker process share, and the way to a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from hostpool.alarms import Alarms
from hostpool.messages import Target
from hostpool.secrets import Secret
from hostpool.ssh.agent import Agents
from hostpool.ssh.algorithms import offer_for
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.auth import authenticate
from hostpool.ssh.dial import dial
from hostpool.ssh.forward import AgentForwarding
from hostpool.ssh.heartbeat import Heartbeat
from hostpool.ssh.hostkeys import HostKeys
from hostpool.ssh.jumps import Jumps
from hostpool.ssh.keys import KeyRing
from hostpool.ssh.kill import CONFIRM
from hostpool.ssh.mapping import connect_failure
from hostpool.ssh.proxy import ProxyProgram
from hostpool.ssh.scan import JumpKeys
from hostpool.ssh.session import SSHSession
from hostpool.ssh.transport import Transport
from hostpool.ssh.wire import SocketWire, Wire
from hostpool.stop import Stop


class Ask(Protocol):
    """Asks a person through the parent; blocks. ``kind``, ``subject`` and the answer are those of
    messages.Question; None where nobody can be asked."""

    def __call__(
        self, kind: Literal["passphrase", "prompt"], host: str, subject: str, prompt: str, echo: bool, /
    ) -> Secret | None: ...


NewHostKey = Callable[[str, tuple[str, ...], bytes, str, bool], None]
"""(host, names, blob, file, hashed): accept-new took a key; the parent writes it down."""


class SSHContext:
    """One per worker process. Thread-safe; nothing happens before the first connection.

    ``confirm``: seconds after KILL in which a host may say that a command is gone.
    """

    def __init__(
        self, alarms: Alarms, *, ask: Ask, new_host_key: NewHostKey, confirm: float = CONFIRM
    ) -> None:
        self.alarms = alarms
        self.confirm = confirm
        self.ask = ask
        self.keys = KeyRing()
        self.agents = Agents()
        self.host_keys = HostKeys(new_host_key)
        self.jumps = Jumps(self._connect)
        self.jump_keys = JumpKeys()

    def connect(self, target: Target, stop: Stop) -> SSHSession:
        """One attempt. Raises errors.Unreachable, or errors.Cancelled when ``stop`` was requested.

        It takes at most ``target.connect_timeout`` seconds, not counting those in which a person is
        asked, and leaves neither thread nor socket behind when it fails.
        """
        attempt = Attempt(self.alarms, target.connect_timeout, stop)
        try:
            transport, heartbeat = self._connect(target, attempt)
            agent = self.agents.get(target.identity_agent) if target.forward_agent else None
            if agent is not None:
                AgentForwarding(transport, agent.path)
            return SSHSession(self, target, transport, heartbeat)
        finally:
            attempt.close()

    def close(self) -> None:
        self.jumps.close()
        self.agents.close()

    def _connect(self, target: Target, attempt: Attempt) -> tuple[Transport, Heartbeat]:
        """Logged in. Raises HostError."""
        with attempt.scope():
            transport = self._reach(target, attempt)
        return transport, Heartbeat(self.alarms, transport, target.alive_interval, target.alive_count)

    def _reach(self, target: Target, attempt: Attempt) -> Transport:
        transport: Transport | None = None
        wire: Wire | None = None
        try:
            wire = self.wire(target, attempt)
            attempt.guard(wire.abort)
            attempt.stage = "banner"
            order = self.host_keys.order(target)
            transport = Transport(wire, offer_for(target, order, Transport.supported()))
            transport.negotiate(attempt)
            self.host_keys.verify(target, transport.host_key_blob)
            authenticate(self, transport, target, attempt)
            if attempt.end:
                raise EOFError
            return transport
        except Exception as error:
            failure = connect_failure(error, target, attempt, transport)
            if transport is not None:
                transport.close()
            elif wire is not None:
                wire.close()
            raise failure from error

    def wire(self, target: Target, attempt: Attempt) -> Wire:
        """A connection to its SSH port, over whatever leads there. Raises as connecting does."""
        if target.jumps:
            return self.jumps.tunnel(target, attempt)
        if target.proxy_command is not None:
            attempt.stage = "proxy"
            return ProxyProgram(target.proxy_command)
        return SocketWire(dial(target, attempt))
