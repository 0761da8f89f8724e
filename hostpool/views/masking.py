"""Masks secrets by value in every event before a view sees it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.events import (
    Event,
    HostFinished,
    HostRetry,
    Output,
    PauseStarted,
    PlayStarted,
    RunFinished,
    RunStarted,
    Stream,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.results import LEFT_OUT
from hostpool.secrets import MIN_LENGTH, MaskedStream, Masker
from hostpool.views.options import View

replace = msgspec.structs.replace

TELLING = 4
"""Characters of a secret that a line which shows for a moment must not show."""
_LEFT_OUT = "(" + re.escape(LEFT_OUT).replace(r"\{\}", r"\d+") + ")"
_REMAINS = "[\ufffd\udc80-\udcff]"


class Masked:
    """Passes events on, masked. Output is masked across the borders of its pieces.

    What may be the beginning of a secret is kept back until the next piece, or the host's end.
    """

    def __init__(self, view: View, masker: Masker) -> None:
        self._view = view
        self._masker = masker
        self._streams: dict[tuple[str, Stream], MaskedStream] = {}

    def handle(self, event: Event) -> None:
        if isinstance(event, Output):
            self._output(event)
            return
        if isinstance(event, HostFinished):
            self._release(event.host, event.ts)
        self._view.handle(mask_event(event, self._masker))

    def discard(self) -> None:
        self._view.discard()

    def paused(self) -> AbstractContextManager[None]:
        return self._view.paused()

    def close(self) -> None:
        try:
            for host in {host for host, _ in self._streams}:
                self._release(host, 0.0)
        finally:
            self._view.close()

    def _output(self, event: Output) -> None:
        if event.lossy:
            # Its neighbours are missing. The line it shows is soon another, and loses no letter for one.
            shown = self._masker.mask_part(event.text, left=True, right=True, least=TELLING)
            self._view.handle(replace(event, text=shown, text_b64=None))
            return
        key = (event.host, event.stream)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = MaskedStream(self._masker)
        self._pass_on(event, stream.feed(_exact(event.text, event.text_b64)))

    def _release(self, host: str, ts: float) -> None:
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        for name in streams:
            stream = self._streams.pop((host, name), None)
            if stream is not None:
                self._pass_on(Output(ts=ts, host=host, stream=name, text=""), stream.close())

    def _pass_on(self, event: Output, exact: str) -> None:
        if exact:
            text, raw = _split(exact)
            self._view.handle(replace(event, text=text, text_b64=raw))


def _exact(text: str, raw: bytes | None) -> str:
    """The bytes of a stream as text: what is not UTF-8 as surrogates (PEP 383)."""
    return text if raw is None else raw.decode("utf-8", "surrogateescape")


def _split(exact: str) -> tuple[str, bytes | None]:
    """The reverse: readable text, and the bytes where they say more."""
    if exact.isascii():
        return exact, None
    try:
        exact.encode("utf-8")
        return exact, None
    except UnicodeEncodeError:
        raw = exact.encode("utf-8", "surrogateescape")
        return raw.decode("utf-8", "replace"), raw


def mask_value(value: Any, masker: Masker) -> Any:
    """``value`` with every string in it masked, keys included."""
    return _masked(value, masker) if masker else value


def _masked(value: Any, masker: Masker) -> Any:
    # The kinds that data of events are made of first, the commonest at the top.
    kind = type(value)
    if kind is str:
        return masker.mask(value) if len(value) >= MIN_LENGTH else value
    if kind is bool or value is None or kind is int or kind is float:
        return value
    if isinstance(value, str):
        return masker.mask(value)
    if isinstance(value, bytes):
        return masker.mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {_masked(key, masker): _masked(item, masker) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, masker) for item in value]
    return value


def _mask_kept(text: str, truncated: bool, masker: Masker) -> str:
    """A host's output; where its middle was left out, what may be a part of a secret goes with it."""
    if not (truncated and masker):
        return masker.mask(text)
    pieces = re.split(_LEFT_OUT, text)
    last = len(pieces) - 1
    return "".join(
        # Each second piece is our line. A character of which a part was left out says nothing.
        piece if at % 2 else masker.mask_part(_whole(piece, at, last), left=at > 0, right=at < last)
        for at, piece in enumerate(pieces)
    )


def _whole(piece: str, at: int, last: int) -> str:
    """Without the remains of a character at an end that was cut: of four bytes at most three."""
    for _ in range(3):
        if at > 0 and piece[:1] and re.match(_REMAINS, piece[0]):
            piece = piece[1:]
        if at < last and piece[-1:] and re.match(_REMAINS, piece[-1]):
            piece = piece[:-1]
    return piece


def _mask_kept_bytes(data: bytes | None, truncated: bool, masker: Masker) -> bytes | None:
    if data is None:
        return None
    text = _mask_kept(data.decode("utf-8", "surrogateescape"), truncated, masker)
    return text.encode("utf-8", "surrogateescape")


def mask_event(event: Event, masker: Masker) -> Event:
    """``event`` without secrets in anything a host, a person or a file may have put there."""
    if not masker:
        return event
    mask = masker.mask
    if isinstance(event, HostFinished):
        return _mask_result(event, masker)
    if isinstance(event, TaskFinished):
        return replace(
            event,
            play=mask(event.play),
            task=mask(event.task),
            diff=mask_value(event.diff, masker),
            result=mask_value(event.result, masker),
        )
    if isinstance(event, HostRetry):
        return replace(event, error=mask(event.error))
    if isinstance(event, Warning):
        return replace(event, message=mask(event.message), hint=mask_value(event.hint, masker))
    if isinstance(event, RunStarted):
        return replace(event, task=mask(event.task), argv=tuple(map(mask, event.argv)))
    if isinstance(event, PlayStarted):
        return replace(event, play=mask(event.play))
    if isinstance(event, PauseStarted):
        return replace(event, prompt=mask(event.prompt))
    if isinstance(event, TaskStarted):
        return replace(event, play=mask(event.play), task=mask(event.task))
    if isinstance(event, RunFinished) and event.stats:
        return replace(event, stats=mask_value(event.stats, masker))
    return event


def _mask_result(event: HostFinished, masker: Masker) -> HostFinished:
    error = event.error
    if error is not None:
        error = ErrorInfo(
            error.kind, masker.mask(error.message), mask_value(error.hint, masker), error.retryable
        )
    return replace(
        event,
        stdout=_mask_kept(event.stdout, event.stdout_truncated, masker),
        stderr=_mask_kept(event.stderr, event.stderr_truncated, masker),
        stdout_b64=_mask_kept_bytes(event.stdout_b64, event.stdout_truncated, masker),
        stderr_b64=_mask_kept_bytes(event.stderr_b64, event.stderr_truncated, masker),
        result=mask_value(event.result, masker),
        error=error,
    )
