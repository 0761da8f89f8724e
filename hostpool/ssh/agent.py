"""A client of the SSH agent (draft-ietf-sshm-ssh-agent): list the keys, sign with one of them.

One connection per socket path and process, behind a lock; an agent that does not answer costs its
time limit once and is then left alone.
"""

from __future__ import annotations

import os
import socket
import threading

import msgspec

from hostpool.openssh.wire import Malformed, Reader, string
from hostpool.ssh.algorithms import CERTIFICATE

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
LIST_LIMIT = 2.0  # seconds
SIGN_LIMIT = 10.0  # a device may wait for a touch; the attempt's deadline is often nearer
_MAX_ANSWER = 256 * 1024


class AgentError(Exception):
    """The agent cannot be used; the text says why."""


class AgentKey(msgspec.Struct, frozen=True):
    blob: bytes
    comment: str


class Agent:
    """``path`` is its socket. Keys are listed once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._broken: AgentError | None = None
        self._keys: tuple[AgentKey, ...] | None = None

    def keys(self) -> tuple[AgentKey, ...]:
        """Raises AgentError, at once if the agent failed before."""
        with self._lock:
            if self._broken is not None:
                raise self._broken
            if self._keys is None:
                try:
                    self._keys = _parse_keys(self._talk(bytes([_REQUEST_IDENTITIES]), LIST_LIMIT))
                except AgentError as error:
                    self._broken = error
                    raise
            return self._keys

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """A signature blob. Raises AgentError (the key is gone, confirmation was refused)."""
        flags = _FLAGS.get(algorithm.removesuffix(CERTIFICATE), 0)
        request = bytes([_SIGN_REQUEST]) + string(blob) + string(data) + flags.to_bytes(4, "big")
        with self._lock:
            answer = self._talk(request, SIGN_LIMIT)
        if answer[0] != _SIGN_RESPONSE:
            raise AgentError("the agent refused to sign")
        return Reader(answer[1:]).string()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _talk(self, request: bytes, limit: float) -> bytes:
        try:
            if self._sock is None:
                self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._sock.settimeout(limit)
                self._sock.connect(self.path)
            self._sock.settimeout(limit)
            self._sock.sendall(string(request))
            size = int.from_bytes(self._read(4), "big")
            if not 0 < size <= _MAX_ANSWER:
                raise AgentError("the agent does not speak its protocol")
            return self._read(size)
        except TimeoutError:
            self._drop()
            raise AgentError(f"the agent at {self.path} did not answer within {limit:g} s") from None
        except OSError as error:
            self._drop()
            raise AgentError(f"no agent at {self.path}: {error.strerror or error}") from error
        except AgentError:
            self._drop()
            raise

    def _read(self, size: int) -> bytes:
        assert self._sock is not None
        data = bytearray()
        while len(data) < size:
            piece = self._sock.recv(size - len(data))
            if not piece:
                raise AgentError("the agent closed the connection")
            data += piece
        return bytes(data)


def _parse_keys(answer: bytes) -> tuple[AgentKey, ...]:
    if answer[0] != _IDENTITIES_ANSWER:
        raise AgentError("the agent refused to list its keys")
    reader = Reader(answer[1:])
    try:
        return tuple(AgentKey(reader.string(), reader.text()) for _ in range(reader.uint32()))
    except Malformed as error:
        raise AgentError(f"the agent's list of keys cannot be read: {error}") from error


class Agents:
    """The agents of one process, by socket path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._agents: dict[str, Agent] = {}

    def get(self, setting: str | None) -> Agent | None:
        """For ssh_config's IdentityAgent: a path, ``none``, ``SSH_AUTH_SOCK``, ``$VARIABLE``, or unset."""
        path = _socket_path(setting)
        if not path:
            return None
        with self._lock:
            return self._agents.setdefault(path, Agent(path))

    def close(self) -> None:
        with self._lock:
            agents = list(self._agents.values())
            self._agents.clear()
        for agent in agents:
            agent.close()


def _socket_path(setting: str | None) -> str | None:
    if setting == "none":
        return None
    if setting in (None, "SSH_AUTH_SOCK"):
        return os.environ.get("SSH_AUTH_SOCK")
    assert setting is not None
    return os.environ.get(setting[1:]) if setting.startswith("$") else setting
