"""What the live table knows: pure, and bounded by the hosts in flight, not by output or run length."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hostpool.events import (
    Event,
    HostConnected,
    HostFinished,
    HostRetry,
    HostStarted,
    Output,
    PlayStarted,
    Progress,
    RunStarted,
    TaskFinished,
    TaskStarted,
)
from hostpool.results import GOOD, STATUSES, Status
from hostpool.views.reasons import TOLD
from hostpool.views.words import amount

TAIL = 400
"""Characters of output kept of each running host."""
KEPT = 200
"""Ended hosts kept for each of the two lists: more rows than a screen has."""
WINDOW = 15
"""Seconds over which the rate is taken."""


@dataclass(slots=True)
class Running:
    """A host in flight; ``tail`` is the end of its output, raw."""

    host: str
    since: float
    state: str = "connecting"
    tail: str = ""
    progress: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    host: str
    status: Status
    state: str
    duration: float
    text: str


@dataclass
class Model:
    """Feed it events in any order; it never raises. Times are seconds since the epoch."""

    title: str = ""
    run: str = ""
    started: float | None = None
    total: int = 0
    longest_name: int = 0
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    running: dict[str, Running] = field(default_factory=dict)
    """In the order of their start: the longest running first."""
    failures: deque[Ended] = field(default_factory=lambda: deque(maxlen=KEPT))
    finished: deque[Ended] = field(default_factory=lambda: deque(maxlen=KEPT))
    _over: set[str] = field(default_factory=set)
    _per_second: dict[int, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return len(self._over)

    @property
    def bad(self) -> int:
        return sum(count for status, count in self.counts.items() if status not in GOOD)

    @property
    def waiting(self) -> int:
        return max(0, self.total - self.done - len(self.running))

    def handle(self, event: Event) -> None:
        if self.started is None:
            self.started = event.ts
        if isinstance(event, Output):
            self._output(event)
        elif isinstance(event, HostFinished):
            self._end(event)
        elif isinstance(event, HostStarted):
            self._host(event.host, event.ts)
        elif isinstance(event, HostConnected):
            self._state(event.host, event.ts, "running")
        elif isinstance(event, HostRetry):
            self._state(event.host, event.ts, f"attempt {event.attempt + 1}", event.error)
        elif isinstance(event, Progress):
            running = self._host(event.host, event.ts)
            if running:
                running.progress = amount(event.done, event.total, event.unit)
        elif isinstance(event, TaskFinished):
            self._state(event.host, event.ts, "running", f"{event.task}: {event.status}\n")
        elif isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, PlayStarted):
            self.title = event.play
        elif isinstance(event, TaskStarted):
            self.title = f"{event.play}: {event.task}" if event.play else event.task

    def rate(self, now: float) -> float:
        """Hosts ended per second, over the last seconds of the run; 0 when that is unknown."""
        elapsed = now - (self.started if self.started is not None else now)
        span = min(float(WINDOW), elapsed)
        if span < 1:
            return 0.0
        first = now - span
        ended = sum(count for second, count in self._per_second.items() if second >= int(first))
        return ended / span

    def time_left(self, now: float) -> float | None:
        """Seconds until the last host ends, at the run's rate; None when that says nothing: at the
        beginning, and when only stragglers are left."""
        elapsed = now - (self.started if self.started is not None else now)
        missing = self.total - self.done
        stragglers = not self.waiting and missing * 10 <= self.total
        if not self.done or missing <= 0 or stragglers or elapsed < 1:
            return None
        recent = self.rate(now)
        average = self.done / elapsed
        return missing / max(recent, average / 4)

    def _start(self, event: RunStarted) -> None:
        self.started = event.ts
        self.run = event.run
        self.title = event.task
        self.total = max(len(event.hosts), self.done)
        self.longest_name = max(map(len, event.hosts), default=0)

    def _host(self, host: str, ts: float) -> Running | None:
        """The host in flight; None when it ended already (a late event)."""
        running = self.running.get(host)
        if running is None and host not in self._over:
            running = self.running[host] = Running(host, ts)
            self.longest_name = max(self.longest_name, len(host))
            self.total = max(self.total, self.done + len(self.running))
        return running

    def _state(self, host: str, ts: float, state: str, text: str = "") -> None:
        running = self._host(host, ts)
        if running:
            running.state = state
            running.tail = text[-TAIL:]

    def _output(self, event: Output) -> None:
        running = self._host(event.host, event.ts)
        if running is None:
            return
        running.state = "running"
        running.progress = ""
        running.tail = event.text[-TAIL:] if event.lossy else (running.tail + event.text[-TAIL:])[-TAIL:]

    def _end(self, event: HostFinished) -> None:
        if event.host in self._over:
            return
        self.running.pop(event.host, None)
        self._over.add(event.host)
        self.total = max(self.total, self.done + len(self.running))
        self.longest_name = max(self.longest_name, len(event.host))
        self.counts[event.status] += 1
        second = int(event.ts)
        self._per_second[second] = self._per_second.get(second, 0) + 1
        while len(self._per_second) > WINDOW + 1:
            del self._per_second[min(self._per_second)]
        ended = Ended(event.host, event.status, _short(event), event.duration, _telling(event))
        (self.finished if event.ok else self.failures).appendleft(ended)


def _short(event: HostFinished) -> str:
    """At most eleven characters."""
    if event.status == "failed" and event.signal:
        return f"SIG{event.signal}"[:11]
    if event.status == "failed" and event.exit_code is not None:
        return f"exit {event.exit_code}"[:11]
    return "would run" if event.would_run else event.status.replace("_", " ")


def _telling(event: HostFinished) -> str:
    """The piece of text that says most: of a failure its reason, else the newest output."""
    texts = [event.stdout, event.stderr]
    if not event.ok:
        texts.reverse()
        if event.error and event.error.kind not in TOLD:
            texts.insert(0, event.error.message)
    return next((text[-TAIL:] for text in texts if text.strip()), "")
