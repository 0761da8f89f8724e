"""``-o jsonl``: one event a line, flushed, for programs. Nothing is neutralised: these are the bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from hostpool.events import Event, from_json, to_json
from hostpool.views.options import Steady, ViewOptions


class JsonlView(Steady):
    """Keeps nothing; a line is written with one call. Raises BrokenPipeError when nobody reads."""

    def __init__(self, options: ViewOptions) -> None:
        self._stdout = options.stdout

    def handle(self, event: Event) -> None:
        self._stdout.write(encoded(event) + b"\n")
        self._stdout.flush()

    def close(self) -> None:
        pass

    def discard(self) -> None:
        pass


def encoded(event: Event) -> bytes:
    """``event`` as one line of JSON; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return to_json(event)
    except UnicodeEncodeError:
        return to_json(from_json(msgspec.json.encode(_scrubbed(msgspec.to_builtins(event)))))


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item) for item in value]
    return value
