"""The keys and certificates to offer to a host, best first, each found out only when its turn comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hostpool.messages import Target
from hostpool.openssh.wire import Malformed, Reader, key_type, string
from hostpool.ssh import keys
from hostpool.ssh.agent import Agent, AgentError, AgentKey
from hostpool.ssh.keys import Identity, KeyFileError, Locked

if TYPE_CHECKING:
    from hostpool.ssh.context import SSHContext


class Identities:
    """Iterates once, in OpenSSH's order: certificates, agent keys that are also named in the settings,
    other agent keys (unless IdentitiesOnly), key files. ``notes`` collects what could not be used,
    ``missing`` the key files that are not there."""

    def __init__(self, context: SSHContext, target: Target, notes: list[str]) -> None:
        self._context = context
        self._target = target
        self._notes = notes
        self.empty = True
        self.missing: list[str] = []

    def any(self) -> bool:
        """Whether there may be one at all, found out without asking anybody."""
        return (
            bool(self._target.identity_files)
            or self._context.agents.get(self._target.identity_agent) is not None
        )

    def __iter__(self) -> Iterator[Identity]:
        named = {path: self._public(path) for path in self._target.identity_files}
        agent, held = self._agent_keys()
        offered: set[bytes] = set()
        for identity in self._in_order(named, agent, held):
            if identity.blob not in offered:
                offered.add(identity.blob)
                self.empty = False
                yield identity

    def _in_order(
        self, named: dict[str, bytes | None], agent: Agent | None, held: tuple[AgentKey, ...]
    ) -> Iterator[Identity]:
        yield from self._certified(named, agent, held)
        blobs = {blob for blob in named.values() if blob is not None}
        if agent is not None:
            several = len(held) > 1
            for key in held:
                if key.blob in blobs:
                    yield _from_agent(agent, key, several)
            if not self._target.identities_only:
                for key in held:
                    yield _from_agent(agent, key, several)
        in_agent = {key.blob for key in held}
        for path, blob in named.items():
            if blob is not None and blob not in in_agent:
                yield self._from_file(path, blob)

    def _agent_keys(self) -> tuple[Agent | None, tuple[AgentKey, ...]]:
        agent = self._context.agents.get(self._target.identity_agent)
        if agent is None:
            return None, ()
        try:
            return agent, agent.keys()
        except AgentError as error:
            self._notes.append(str(error))
            return None, ()

    def _public(self, path: str) -> bytes | None:
        """The public half: from the key itself, or, where that is locked, from the file beside it."""
        try:
            key = self._context.keys.load(path)
        except Locked:
            return keys.read_public_half(path) or self._unlocked_blob(path)
        except KeyFileError as error:
            self._notes.append(str(error) if path in str(error) else f"{path}: {error}")
            return None
        if key is not None:
            return keys.public_blob(key)
        public = keys.read_public_half(path)  # the private half may be in the agent
        if public is None:
            self.missing.append(path)
        return public

    def _unlocked_blob(self, path: str) -> bytes | None:
        try:
            return keys.public_blob(self._unlock(path))
        except KeyFileError as failed:
            self._notes.append(f"{path}: {failed}")
            return None

    def _unlock(self, path: str) -> keys.PrivateKey:
        host = self._target.name
        return self._context.keys.unlock(path, lambda: self._context.ask("passphrase", host, path, "", False))

    def _from_file(self, path: str, blob: bytes, certificate: bytes | None = None) -> Identity:
        def sign(data: bytes, algorithm: str) -> bytes:
            return keys.sign(self._private(path), data, algorithm)

        return Identity(path, certificate or blob, sign, costly=self._is_locked(path))

    def _private(self, path: str) -> keys.PrivateKey:
        try:
            key = self._context.keys.load(path)
        except Locked:
            return self._unlock(path)
        if key is None:
            raise KeyFileError("there is only its public half here, and the agent does not hold it")
        return key

    def _is_locked(self, path: str) -> bool:
        try:
            return self._context.keys.load(path) is None
        except KeyFileError:
            return True

    def _certified(
        self, named: dict[str, bytes | None], agent: Agent | None, held: tuple[AgentKey, ...]
    ) -> Iterator[Identity]:
        """Certificates that stand beside a key file or are named, with whoever holds their key."""
        beside = [path + "-cert.pub" for path in named]
        for path in (*self._target.certificate_files, *beside):
            certificate = keys.read_certificate(path)
            if certificate is None:
                continue
            inner = certified_key(certificate)
            for file, blob in named.items():
                if blob == inner and not self._is_locked(file):
                    yield self._from_file(file, blob, certificate)
                    break
            else:
                yield from self._certified_by_agent(path, certificate, inner, agent, held)
                for file, blob in named.items():
                    if blob == inner:
                        yield self._from_file(file, blob, certificate)

    def _certified_by_agent(
        self, path: str, certificate: bytes, inner: bytes, agent: Agent | None, held: tuple[AgentKey, ...]
    ) -> Iterator[Identity]:
        if agent is None:
            return
        for key in held:
            if key.blob == inner:
                blob = key.blob
                yield Identity(path, certificate, lambda data, name, blob=blob: agent.sign(blob, data, name))  # type: ignore[misc]  # mypy#15459
                return


def _from_agent(agent: Agent, key: AgentKey, several: bool) -> Identity:
    def sign(data: bytes, algorithm: str) -> bytes:
        try:
            return agent.sign(key.blob, data, algorithm)
        except AgentError as error:
            raise KeyFileError(str(error)) from error

    label = key.comment or "a key of the agent"
    device = key_type(key.blob).startswith("sk-")
    return Identity(label, key.blob, sign, costly=device or several)


def certified_key(certificate: bytes) -> bytes:
    """The plain public key inside a certificate (PROTOCOL.certkeys): its type, nonce, then the key's
    own fields, of which each type has a known number."""
    reader = Reader(certificate)
    try:
        plain = keys.plain_type(reader.text())
        fields = {"ssh-rsa": 2, "ssh-ed25519": 1}.get(plain, 3 if plain.startswith("sk-ecdsa") else 2)
        reader.string()  # the nonce
        start = reader.at
        for _ in range(fields):
            reader.string()
    except Malformed:
        return b""
    return string(plain.encode()) + certificate[start : reader.at]
