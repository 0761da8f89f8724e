"""What happens, as frozen records: one definition for the link, jsonl and history.

On the link they travel as MessagePack, in ``-o jsonl`` as one JSON object a line whose first keys
are ``v``, ``event`` and ``ts`` (seconds since the epoch). Bytes become base64 in JSON.
"""

# Annotations are values in this file: of those that are text, as the future import makes them, msgspec would
# compile each for its decoders, at every start.
from functools import cache
from typing import Any, Literal

import msgspec

from hostpool.results import HostResult, Status

SCHEMA_VERSION = 1
Stream = Literal["stdout", "stderr"]


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    ts: float


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """``hosts`` in inventory order; ``argv`` is ours, with secrets masked."""

    run: str
    hosts: tuple[str, ...]
    task: str
    argv: tuple[str, ...] = ()


class HostStarted(_Event, frozen=True, kw_only=True, tag="host_started"):
    """A worker took the host up; nothing is connected yet."""

    host: str


class HostConnected(_Event, frozen=True, kw_only=True, tag="host_connected"):
    """The session stands (authenticated); ``seconds`` since the attempt began."""

    host: str
    seconds: float


class HostRetry(_Event, frozen=True, kw_only=True, tag="host_retry"):
    """Attempt number ``attempt`` (from 1) failed with ``error``; another follows in ``delay`` seconds."""

    host: str
    attempt: int
    error: str
    delay: float = 0.0


class Output(_Event, frozen=True, kw_only=True, omit_defaults=True, tag="output"):
    """A piece of a host's output, never split inside a UTF-8 character.

    ``text_b64`` holds the exact bytes where they are not UTF-8. ``lossy`` marks a piece of which
    only the newest line was sent, because nobody asked for all of the output.
    """

    host: str
    stream: Stream
    text: str
    text_b64: bytes | None = None
    lossy: bool = False


class Progress(_Event, frozen=True, kw_only=True, tag="progress"):
    """``done`` of ``total`` (0: unknown) in ``unit`` ("bytes", "files")."""

    host: str
    done: int
    total: int
    unit: str


class PlayStarted(_Event, frozen=True, kw_only=True, tag="play_started"):
    play: str
    hosts: tuple[str, ...]


class TaskStarted(_Event, frozen=True, kw_only=True, tag="task_started"):
    play: str
    task: str


class TaskFinished(_Event, frozen=True, kw_only=True, tag="task_finished"):
    host: str
    play: str
    task: str
    status: Status
    changed: bool | None = None
    diff: str | None = None
    result: dict[str, Any] | None = None


class PauseStarted(_Event, frozen=True, kw_only=True, omit_defaults=True, tag="pause_started"):
    """A playbook waits for ``seconds``; ``host`` does so on behalf of its play."""

    host: str
    seconds: float
    prompt: str = ""


class Warning(_Event, frozen=True, kw_only=True, tag="warning"):
    """Something a person should know that fails nothing by itself."""

    message: str
    host: str | None = None
    hint: str | None = None


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """``counts`` has every status as a key; their sum is the number of selected hosts. ``stats``: what
    tasks of a playbook set by set_stats, of a host or of the whole run (``_run``)."""

    run: str
    counts: dict[Status, int]
    duration: float
    exit_code: int
    interrupted: str | None = None
    stats: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


HostFinished = HostResult

HostEvent = HostStarted | HostConnected | HostRetry | Output | Progress | TaskFinished | Warning | HostResult
"""What comes up from a worker."""

Event = HostEvent | RunStarted | PlayStarted | TaskStarted | PauseStarted | RunFinished

_json = msgspec.json.Encoder()
_PREFIX = b'{"v":%d,' % SCHEMA_VERSION


def to_json(event: Event) -> bytes:
    """One line of ``-o jsonl``, without the newline."""
    return _PREFIX + _json.encode(event)[1:]


def from_json(line: bytes | str) -> Event:
    """Reads one line of ``-o jsonl`` back. Raises msgspec.DecodeError for anything else."""
    event: Event = _decoder().decode(line)
    return event


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Event)
