"""What crosses the link between the pool and a worker: frozen records, MessagePack, in batches.

Down go jobs and what they need, up come events and results. Each frame of the pipe is one list of
messages, so that whatever waits travels together.
"""

# Annotations are values in this file: of those that are text, as the future import makes them, msgspec would
# compile each for its decoders, at every start.
from typing import Any, Literal

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.events import HostEvent
from hostpool.results import HostResult
from hostpool.secrets import Secret
from hostpool.stop import StopReason

AddressFamily = Literal["any", "inet", "inet6"]
HostKeyPolicy = Literal["strict", "accept-new", "off"]


class Become(msgspec.Struct, frozen=True, kw_only=True):
    """Another user on the host; ``password`` is sent only after our own prompt was seen."""

    user: str = "root"
    method: Literal["sudo", "su", "doas"] = "sudo"
    password: Secret | None = None
    flags: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a worker needs to reach one host: nothing is left to look up. Times in seconds.

    ``name`` is the inventory's word for it and what events carry; ``address`` is what is connected
    to; ``known_as`` the names under which its host key is looked up in ``known_hosts`` (files).
    ``jumps`` are passed in order, the first directly from here. ``algorithms_set``: which lists of
    algorithms are not the default, by keyword, and where that was said.
    """

    name: str
    address: str = ""
    port: int = 22
    user: str = ""
    connection: Literal["ssh", "local"] = "ssh"
    shell: Literal["sh", "none"] = "sh"
    identity_files: tuple[str, ...] = ()
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    password: Secret | None = None
    preferred_auth: tuple[str, ...] = ("publickey", "keyboard-interactive", "password")
    password_prompts: int = 3
    become: Become | None = None
    known_as: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    host_keys: HostKeyPolicy = "strict"
    hash_known_hosts: bool = False
    revoked_host_keys: str | None = None
    jumps: tuple["Target", ...] = ()
    proxy_command: str | None = None
    connect_timeout: float = 10.0
    connection_attempts: int = 1
    alive_interval: float = 15.0
    alive_count: int = 3
    address_family: AddressFamily = "any"
    bind_address: str | None = None
    compression: bool = False
    forward_agent: bool = False
    set_env: tuple[tuple[str, str], ...] = ()
    ciphers: tuple[str, ...] = ()
    kex: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    host_key_algorithms: tuple[str, ...] = ()
    pubkey_algorithms: tuple[str, ...] = ()
    algorithms_set: tuple[tuple[str, str], ...] = ()


# -- down ------------------------------------------------------------------------------------------


class Init(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first message: ``initializer`` is a pickled (callable, args) or None."""

    capacity: int
    session_cap: int
    max_output: int
    initializer: bytes | None = None


class TaskDef(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pickled task, sent once to each worker that runs it."""

    task_id: int
    data: bytes


class TaskDrop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    task_id: int


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """One task on one host. ``output``: whether every piece of output is wanted as an event or
    only, now and then, the newest line. ``attempts_left`` counts connection attempts."""

    job_id: int
    task_id: int
    target: Target
    check: bool = False
    keep: bool = True
    output: Literal["full", "last"] = "last"
    task_timeout: float | None = None
    silence_timeout: float | None = None
    retries: int = 2
    on_lost: Literal["leave", "kill"] = "leave"
    kill_grace: float = 5.0


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Stop a job: TERM on the host, KILL after ``grace`` seconds."""

    job_id: int
    reason: StopReason
    grace: float


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To a Question; ``value`` is None where nobody can be asked."""

    question_id: int
    value: Secret | None


class Quit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close the sessions and end; no job is running any more."""


Down = Init | TaskDef | TaskDrop | Job | Cancel | Answer | Quit


# -- up --------------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The initializer ran. ``preloaded``: whether the fork server had the worker's imports."""

    pid: int
    preloaded: bool
    error: ErrorInfo | None = None


class Began(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent and flushed before the job's first request goes to the host: from here on its outcome
    is unknown if the worker dies, before it the job can run elsewhere."""

    job_id: int


class JobEvent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    job_id: int
    event: HostEvent


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last word about a job."""

    job_id: int
    result: HostResult


class Question(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something only a person knows: the parent asks once, on the terminal.

    ``kind`` "passphrase": ``subject`` is a key file, the answer its decrypted PEM text.
    "prompt": ``subject`` is the host, ``prompt`` its (hostile) words.
    """

    question_id: int
    kind: Literal["passphrase", "prompt"]
    host: str
    subject: str
    prompt: str = ""
    echo: bool = False


class NewHostKey(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """accept-new took this key: the parent writes it into ``file``."""

    host: str
    names: tuple[str, ...]
    blob: bytes
    file: str
    hashed: bool = False


class Alive(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent when nothing else was for a while: the worker is not stuck."""


Up = Ready | Began | JobEvent | Done | Question | NewHostKey | Alive


def _encode_secret(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value).__name__} does not travel over the link")


def _decode_secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(f"{kind.__name__} does not travel over the link")


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_secret)
_down = msgspec.msgpack.Decoder(list[Down], dec_hook=_decode_secret)
_up = msgspec.msgpack.Decoder(list[Up], dec_hook=_decode_secret)


def encode(messages: list[Any]) -> bytes:
    """One frame."""
    return _encoder.encode(messages)


def encode_one(message: Up | Down) -> bytes:
    """One message, to be joined with others by :func:`frame`."""
    return _encoder.encode(message)


def frame(encoded: list[bytes]) -> bytes:
    """Messages that are encoded already, as one frame (a MessagePack array)."""
    count = len(encoded)
    if count < 16:
        head = bytes([0x90 | count])
    elif count < 1 << 16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return head + b"".join(encoded)


def decode_down(data: bytes) -> list[Down]:
    return _down.decode(data)


def decode_up(data: bytes) -> list[Up]:
    return _up.decode(data)
