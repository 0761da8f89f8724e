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
from hostpool.ssh.hostkeys import HostKeys
from hostpool.ssh.keys import KeyRing
from hostpool.ssh.mapping import connect_failure
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
    """One per worker process. Thread-safe; nothing happens before the first connection."""

    def __init__(self, alarms: Alarms, *, ask: Ask, new_host_key: NewHostKey) -> None:
        self.alarms = alarms
        self.ask = ask
        self.keys = KeyRing()
        self.agents = Agents()
        self.host_keys = HostKeys(new_host_key)

    def connect(self, target: Target, stop: Stop) -> SSHSession:
        """One attempt. Raises errors.Unreachable, or errors.Cancelled when ``stop`` was requested.

        It takes at most ``target.connect_timeout`` seconds, not counting those in which a person is
        asked, and leaves neither thread nor socket behind when it fails.
        """
        attempt = Attempt(self.alarms, target.connect_timeout, stop)
        transport: Transport | None = None
        try:
            wire = self._wire(target, attempt)
            transport = self._transport(target, wire, attempt)
            authenticate(self, transport, target, attempt)
            if attempt.end:
                raise EOFError
            return SSHSession(self, target, transport)
        except Exception as error:
            failure = connect_failure(error, target, attempt, transport)
            if transport is not None:
                transport.close()
            raise failure from error
        finally:
            attempt.close()

    def close(self) -> None:
        self.agents.close()

    def _wire(self, target: Target, attempt: Attempt) -> Wire:
        return SocketWire(dial(target, attempt))

    def _transport(self, target: Target, wire: Wire, attempt: Attempt) -> Transport:
        """Key exchange done, host key verified."""
        attempt.guard(wire.abort)
        attempt.stage = "banner"
        order = self.host_keys.order(target)
        transport = Transport(wire, offer_for(target, order, Transport.supported()))
        try:
            transport.negotiate(attempt)
            self.host_keys.verify(target, transport.host_key_blob)
        except BaseException as error:
            failure = connect_failure(error, target, attempt, transport)
            transport.close()
            raise failure from error
        return transport
