"""``-o plain``: lines for a pipe, a file, a mail. No cursor is moved, nothing is overwritten."""

from __future__ import annotations

from typing import Any

import msgspec

from hostpool.events import (
    Event,
    HostFinished,
    HostRetry,
    Output,
    PauseStarted,
    PlayStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.results import GOOD
from hostpool.views.neutralise import one_line
from hostpool.views.options import Steady, ViewOptions
from hostpool.views.plays import Plays
from hostpool.views.reasons import TOLD
from hostpool.views.recap import Recap, recap_of
from hostpool.views.report import Report
from hostpool.views.streaming import Streaming
from hostpool.views.words import outcome, seconds
from hostpool.views.writer import Writer


class PlainView(Steady):
    """The report at the end; before it only warnings, with ``stream`` the lines of hosts as they come,
    and with ``verbose`` a line for each host that ends or is tried again."""

    def __init__(self, options: ViewOptions, writer: Writer | None = None) -> None:
        self._options = options
        self._writer = writer or Writer(options)
        self._report = Report(options, self._writer)
        self._plays = Plays(options, self._writer)
        self._streaming = Streaming(options, self._writer) if options.stream else None
        self._recap = Recap(self._writer, together=options.fold)
        self._reported = False

    def handle(self, event: Event) -> None:
        if isinstance(event, Output):
            if self._streaming:
                self._streaming.output(event)
                self._writer.flush()
        elif isinstance(event, HostFinished):
            self._finished(event)
        elif isinstance(event, PlayStarted | TaskStarted | PauseStarted | TaskFinished):
            self._plays.handle(event)
        elif isinstance(event, RunStarted):
            self._report.start(event)
        elif isinstance(event, Warning):
            self._say(self._report.warn(event))
        elif isinstance(event, HostRetry):
            if self._options.verbose:
                self._say(retry_line(event))
        elif isinstance(event, RunFinished):
            self._end(event)

    def _finished(self, event: HostFinished) -> None:
        if self._streaming:
            event = self._streaming.finished(event)
        if self._options.verbose:
            self._say(ended_line(event))
        counts = recap_of(event)
        if counts is None:
            self._report.add(event)
            return
        self._recap.add(event.host, counts)
        if event.ok:
            self._report.count(event)
        else:
            self._report.add(msgspec.structs.replace(event, result=None))

    def _say(self, text: str) -> None:
        if text:
            self._writer.write("stderr", text)
            self._writer.flush()

    def _end(self, event: RunFinished | None) -> None:
        if self._reported:
            return
        self._reported = True
        if self._streaming:
            self._streaming.end()
        self._plays.flush()
        for line in self._recap.lines(quiet=self._options.quiet):
            self._writer.write("stderr", line)
        if event is not None and event.stats:
            self._writer.write("stderr", self._options.masker.mask(stats_text(event.stats)))
        self._report.write(event)

    def close(self) -> None:
        try:
            self._end(None)
        finally:
            self.discard()

    def discard(self) -> None:
        self._plays.close()
        self._report.close()


def stats_text(stats: dict[str, Any]) -> str:
    """What set_stats gathered: a line for each host, then one for the run."""
    lines = ["CUSTOM STATS"]
    for name in sorted(stats, key=lambda name: (name == "_run", name)):
        value = msgspec.json.encode(stats[name]).decode()
        lines.append(f"{'RUN' if name == '_run' else one_line(name)}: {one_line(value)}")
    return "\n".join(lines) + "\n"


def retry_line(event: HostRetry) -> str:
    attempt = f"{one_line(event.host)} attempt {event.attempt} failed: {one_line(event.error)}"
    return f"{attempt}; next in {seconds(event.delay)}\n"


def ended_line(event: HostFinished) -> str:
    told = event.status in GOOD or event.error is None or event.error.kind in TOLD
    reason = "" if told or event.error is None else f": {one_line(event.error.message)}"
    return f"{one_line(event.host)} {outcome(event)} in {seconds(event.duration)}{reason}\n"
