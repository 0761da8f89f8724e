"""The authentication protocol, one question and one answer at a time (RFC 4252, RFC 4256).

paramiko's own client asks for the service anew before every attempt, cannot ask whether a key would
do, and answers prompts inside its reader thread. Here the reader thread only hands messages on.
"""

from __future__ import annotations

import queue
from collections.abc import Callable

import msgspec
from paramiko.common import (
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_INFO_REQUEST,
    MSG_USERAUTH_SUCCESS,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_INFO_RESPONSE,
    cMSG_USERAUTH_REQUEST,
)
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from hostpool.ssh.transport import Transport

MSG_60 = MSG_USERAUTH_INFO_REQUEST  # PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, whatever was asked


class Prompt(msgspec.Struct, frozen=True):
    text: str
    echo: bool


class Answer(msgspec.Struct, frozen=True):
    """``success``; or else the methods that can go on, ``partial`` if this one was one of several.
    ``usable``: the host would take the key that was asked about. ``expired``: the password must be
    changed before anything else."""

    success: bool = False
    methods: tuple[str, ...] = ()
    partial: bool = False
    usable: bool = False
    expired: bool = False


Responder = Callable[[str, str, tuple[Prompt, ...]], list[str] | None]
"""(title, instructions, prompts) -> answers, or None to give up."""


class UserAuth:
    """For one login of ``user``. Every wait ends when the transport does; then EOFError is raised."""

    def __init__(self, transport: Transport, user: str) -> None:
        self._transport = transport
        self._user = user
        self._inbox: queue.SimpleQueue[tuple[int, Message] | None] = queue.SimpleQueue()
        self._service = False
        self._awaits_service = False
        self.banner = ""
        table = transport._handler_table
        table[MSG_SERVICE_ACCEPT] = self._accepted
        for kind in (MSG_USERAUTH_FAILURE, MSG_60):
            table[kind] = lambda m, kind=kind: self._inbox.put((kind, m))  # type: ignore[misc]  # mypy#15459
        table[MSG_USERAUTH_SUCCESS] = self._succeeded
        table[MSG_USERAUTH_BANNER] = self._heard
        transport.on_end(lambda: self._inbox.put(None))

    def none(self) -> Answer:
        """Asks for the methods; succeeds where no authentication is needed."""
        return self._ask("none")

    def password(self, password: str) -> Answer:
        def fields(m: Message) -> None:
            m.add_boolean(False)
            m.add_string(password)

        return self._ask("password", fields)

    def query_key(self, algorithm: str, blob: bytes) -> Answer:
        """Would the host take this public key? Costs one of its tries if not."""

        def fields(m: Message) -> None:
            m.add_boolean(False)
            m.add_string(algorithm)
            m.add_string(blob)

        return self._ask("publickey", fields)

    def key(self, algorithm: str, blob: bytes, sign: Callable[[bytes], bytes]) -> Answer:
        """``sign`` gets the bytes of RFC 4252 §7 and returns a signature blob."""
        signed = Message()
        signed.add_string(self._transport.session_id or b"")
        signed.add_bytes(self._request("publickey", lambda m: _key_fields(m, algorithm, blob)).asbytes())
        signature = sign(signed.asbytes())

        def fields(m: Message) -> None:
            _key_fields(m, algorithm, blob)
            m.add_string(signature)

        return self._ask("publickey", fields)

    def interactive(self, respond: Responder) -> Answer:
        def fields(m: Message) -> None:
            m.add_string("")
            m.add_string("")

        return self._ask("keyboard-interactive", fields, respond)

    def server_signatures(self) -> tuple[str, ...]:
        """The host's server-sig-algs (RFC 8308 §3.1); empty if it did not say."""
        said = self._transport.server_extensions.get("server-sig-algs", b"")  # type: ignore[attr-defined]  # not in the stubs
        return tuple(name for name in said.decode("ascii", "replace").split(",") if name)

    # -- how

    def _request(self, method: str, fields: Callable[[Message], None] | None) -> Message:
        m = Message()
        m.add_byte(cMSG_USERAUTH_REQUEST)
        m.add_string(self._user)
        m.add_string("ssh-connection")
        m.add_string(method)
        if fields is not None:
            fields(m)
        return m

    def _ask(
        self,
        method: str,
        fields: Callable[[Message], None] | None = None,
        respond: Responder | None = None,
    ) -> Answer:
        request = self._request(method, fields)
        if self._service:
            self._transport.send(request)
        else:
            self._begin(request)
        while True:
            kind, m = self._next()
            if kind == MSG_USERAUTH_SUCCESS:
                return Answer(success=True)
            if kind == MSG_USERAUTH_FAILURE:
                return Answer(methods=tuple(m.get_list()), partial=m.get_boolean())
            if kind == MSG_60 and method == "publickey":
                return Answer(usable=True)
            if kind == MSG_60 and method == "password":
                return Answer(expired=True)
            if kind == MSG_60 and respond is not None and not self._respond(m, respond):
                return Answer()

    def _begin(self, request: Message) -> None:
        """OpenSSH reads the first request while it still accepts the service: one round trip less."""
        service = Message()
        service.add_byte(cMSG_SERVICE_REQUEST)
        service.add_string("ssh-userauth")
        self._service = True
        if "OpenSSH" in self._transport.remote_version:
            with self._transport.wire.corked():
                self._transport.send(service)
                self._transport.send(request)
            return
        self._awaits_service = True
        self._transport.send(service)
        kind, _ = self._next()
        if kind != MSG_SERVICE_ACCEPT:
            raise SSHException("the host answered the request for its login service with something else")
        self._transport.send(request)

    def _next(self) -> tuple[int, Message]:
        item = self._inbox.get()
        if item is None:
            self._inbox.put(None)
            raise EOFError
        return item

    def _respond(self, m: Message, respond: Responder) -> bool:
        title, instructions = _text(m), _text(m)
        m.get_string()
        count = m.get_int()
        prompts = tuple(Prompt(_text(m), m.get_boolean()) for _ in range(min(count, 64)))
        answers = respond(title, instructions, prompts) if prompts else []
        if answers is None:
            return False
        reply = Message()
        reply.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
        reply.add_int(len(answers))
        for each in answers:
            reply.add_string(each)
        self._transport.send(reply)
        return True

    # -- in the reader thread

    def _accepted(self, m: Message) -> None:
        """Nobody is woken for what nobody waits for."""
        if self._awaits_service:
            self._inbox.put((MSG_SERVICE_ACCEPT, m))

    def _succeeded(self, m: Message) -> None:
        self._transport._auth_trigger()
        self._inbox.put((MSG_USERAUTH_SUCCESS, m))

    def _heard(self, m: Message) -> None:
        self.banner = _text(m)[:4096]


def _key_fields(m: Message, algorithm: str, blob: bytes) -> None:
    m.add_boolean(True)
    m.add_string(algorithm)
    m.add_string(blob)


def _text(m: Message) -> str:
    return m.get_string().decode("utf-8", "replace")
