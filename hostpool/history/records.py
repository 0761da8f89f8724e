"""What is kept of a run and of a host, and in which form."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from hostpool.events import PlayStarted, TaskFinished, TaskStarted
from hostpool.results import HostResult, Status

KEPT_OUTPUT = 64 * 1024
"""Bytes of output (and of a module's result) kept for a host; the beginning and the end of more."""

_MARK = "\n… {} bytes are not in the history …\n"
_encoder = msgspec.json.Encoder()
Step = PlayStarted | TaskStarted | TaskFinished
_LEVEL = 3
_USUAL = (
    b'"kind":"exit_status","message":"the command exited with status 1","hint":"--ok-codes 0,1 counts this'
    b' status as success","retryable":false}}{"event":"host_finished","ts":17955200,"host":"web1","status":'
    b'"failed","exit_code":1,"signal":null,"stdout":"","stderr":"","stdout_b64":null,"stderr_b64":null,'
    b'"stdout_bytes":0,"stderr_bytes":0,"stdout_truncated":false,"stderr_truncated":false,"duration":0.1,'
    b'"attempts":1,"changed":null,"would_run":false,"still_running":false,"result":null,"error":null}'
)
"""What stands in nearly every record, and so takes no room in any. Part of the layout: never changed."""


class About(msgspec.Struct, frozen=True):
    """What is known of a run before it begins. ``task`` and ``again`` hold no secret: whoever makes them
    masks them. ``again`` is JSON with which the command can be called once more; ``name`` is --cron's."""

    command: str
    task: str
    pattern: str
    user: str
    sudo_user: str | None = None
    name: str | None = None
    again: bytes | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as `hostpool history -o json` prints it. Times in seconds since the epoch, ``duration``
    in seconds. ``alive``: it still goes on. A run that was killed has neither finished nor exit_code."""

    run: int
    started: float
    finished: float | None
    duration: float | None
    user: str
    sudo_user: str | None
    command: str
    task: str
    pattern: str
    name: str | None
    hosts: int
    counts: dict[Status, int]
    exit_code: int | None
    interrupted: str | None
    alive: bool = False


def packed(result: HostResult, *, output: bool) -> bytes:
    """A masked result, with at most KEPT_OUTPUT of its output (none without ``output``), compressed."""
    out, err = (KEPT_OUTPUT, KEPT_OUTPUT) if output else (0, 0)
    if output and len(result.stdout) + len(result.stderr) > KEPT_OUTPUT // 4:
        out, err = _shares(len(_utf8(result.stdout)), len(_utf8(result.stderr)))
    changes: dict[str, Any] = {"stdout_b64": None, "stderr_b64": None}
    changes["stdout"], cut_out = shortened(result.stdout, out)
    changes["stderr"], cut_err = shortened(result.stderr, err)
    changes["stdout_truncated"] = result.stdout_truncated or cut_out
    changes["stderr_truncated"] = result.stderr_truncated or cut_err
    changes["result"] = _fitting(result.result) if output else None
    return compressed(_json(msgspec.structs.replace(result, **changes)))


def _fitting(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """A result in at most KEPT_OUTPUT; a diff that is too long loses its middle."""
    if result is None or len(_json(result)) <= KEPT_OUTPUT:
        return result
    diff = result.get("diff")
    if not isinstance(diff, str):
        return None
    others = {key: value for key, value in result.items() if key != "diff"}
    room = (KEPT_OUTPUT - len(_json(others))) // 2  # in JSON its line ends and quotes take two bytes each
    return None if room < 0 else {**others, "diff": shortened(diff, room)[0]}


def step_line(step: Step, room: int) -> tuple[bytes, int]:
    """A masked event of a playbook, and how much of ``room`` (bytes) its data takes; what does not fit
    is left out."""
    if not isinstance(step, TaskFinished):
        return _json(step), 0
    size = len(_json((step.result, step.diff)))
    if size > room:
        result = {key: step.result[key] for key in ("ignored",) if step.result and key in step.result}
        step, size = msgspec.structs.replace(step, result=result or None, diff=None), 0
    return _json(step), size


def packed_steps(lines: Sequence[bytes]) -> bytes:
    """One record of several events, which are much alike: together they take a fraction of the room, and of
    the time."""
    return compressed(b"\n".join(lines))


def unpacked(record: bytes) -> HostResult:
    """Raises ValueError for what is no record."""
    try:
        return _decoder().decode(decompressed(record))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from error


def unpacked_steps(record: bytes) -> list[Step]:
    """Raises ValueError for what is no record."""
    try:
        return _step_decoder().decode_lines(decompressed(record))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from error


@cache
def _decoder() -> msgspec.json.Decoder[HostResult]:
    return msgspec.json.Decoder(HostResult)


@cache
def _step_decoder() -> msgspec.json.Decoder[Step]:
    return msgspec.json.Decoder(Step)


def compressed(data: bytes) -> bytes:
    # The tables of a usual window are 268 KiB, which cost ten times what a small record does.
    window, memory = (12, 4) if len(data) <= 1 << 12 else (15, 8)
    compressor = zlib.compressobj(_LEVEL, wbits=window, memLevel=memory, zdict=_USUAL)
    return compressor.compress(data) + compressor.flush()


def decompressed(record: bytes) -> bytes:
    """Raises zlib.error."""
    decompressor = zlib.decompressobj(zdict=_USUAL)
    return decompressor.decompress(record) + decompressor.flush()


def _json(value: object) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_scrubbed(msgspec.to_builtins(value)))


def _scrubbed(value: Any) -> Any:
    """Without lone surrogates, which JSON in UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item) for item in value]
    return value


def _shares(out: int, err: int) -> tuple[int, int]:
    """How many bytes of each stream are kept: a short one all of it, long ones half each."""
    half = KEPT_OUTPUT // 2
    if out <= half:
        return out, KEPT_OUTPUT - out
    if err <= half:
        return KEPT_OUTPUT - err, err
    return half, half


def shortened(text: str, limit: int) -> tuple[str, bool]:
    """``text`` in at most ``limit`` bytes of UTF-8, its beginning and its end; whether that cut it."""
    if len(text) * 4 <= limit:
        return text, False
    data = _utf8(text)
    if len(data) <= limit:
        return text, False
    mark = _MARK.format(len(data))
    room = limit - len(mark.encode())
    if room < 0:
        return "", True
    head, tail = data[: room - room // 2], data[len(data) - room // 2 :] if room > 1 else b""
    mark = _MARK.format(len(data) - len(head) - len(tail))
    return head.decode("utf-8", "ignore") + mark + tail.decode("utf-8", "ignore"), True


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
