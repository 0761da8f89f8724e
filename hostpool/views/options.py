"""What a view is told: where to write, how much, and whom it writes for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

import msgspec

from hostpool.events import Event
from hostpool.secrets import Masker

Kind = Literal["live", "plain", "jsonl", "json", "junit"]


class View(Protocol):
    """A consumer of events; to the runner, a Sink.

    ``handle`` gets every event in order, from one thread. BrokenPipeError and other errors of the
    output streams come from it. ``close`` comes last and says what is left to say; ``discard`` comes
    instead after a ``handle`` that raised: it writes nothing and raises nothing.
    """

    def handle(self, event: Event) -> None: ...

    def close(self) -> None: ...

    def discard(self) -> None: ...

    def paused(self) -> AbstractContextManager[None]:
        """Inside, nothing is drawn: someone else asks a question at the terminal. Any thread."""


class Steady:
    """What is common to views that draw nothing over."""

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


class Stream(Protocol):
    """A binary output stream: ``sys.stdout.buffer``, a file, a BytesIO."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class ViewOptions(msgspec.Struct, frozen=True):
    """Options of all views; each view uses those it has a meaning for.

    ``quiet`` shows only hosts that are not ok or changed, and the summary; ``show_changed`` adds the
    changed ones again; ``silent`` drops the summary too when no host is to be shown. ``bad_first`` tells
    of hosts that are not well before the others (cron).
    ``verbose`` tells of every host as it ends, and of retries. ``stream`` prints lines as they come;
    the runner must then ask for all of the output (see `hostpool.views.needs_output`).
    ``compare`` shows each output as its difference from the most frequent one. ``size`` gives columns
    and rows of the terminal, asked before each frame; None takes the terminal's own.
    """

    stdout: Stream
    stderr: Stream
    quiet: bool = False
    show_changed: bool = False
    silent: bool = False
    bad_first: bool = False
    verbose: bool = False
    no_prefix: bool = False
    stream: bool = False
    fold: bool = True
    compare: bool = False
    color: bool = False
    masker: Masker = msgspec.field(default_factory=Masker)
    size: Callable[[], tuple[int, int]] | None = None
    clock: Callable[[], float] = time.time
    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: os.environ)


def is_terminal(stream: Stream) -> bool:
    """Whether a person watches ``stream``."""
    isatty = getattr(stream, "isatty", None)
    try:
        return bool(isatty and isatty())
    except ValueError:  # closed
        return False


def default_kind(stdout: Stream, environ: Mapping[str, str]) -> Literal["live", "plain"]:
    """The view without ``-o``: live on a terminal that can move its cursor, else plain."""
    return "live" if is_terminal(stdout) and _capable(environ) else "plain"


def wants_color(stdout: Stream, environ: Mapping[str, str]) -> bool:
    """Colour on a capable terminal, unless NO_COLOR is set and not empty (https://no-color.org)."""
    return is_terminal(stdout) and _capable(environ) and not environ.get("NO_COLOR")


def _capable(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") not in ("", "dumb", "unknown")
