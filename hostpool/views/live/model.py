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
    PauseStarted,
    PlayStarted,
    Progress,
    RunStarted,
    TaskFinished,
    TaskStarted,
)
from hostpool.results import GOOD, STATUSES, Status
from hostpool.views.live.ended import TAIL, Ended, of_host, of_task
from hostpool.views.words import amount

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


@dataclass
class Model:
    """Feed it events in any order; it never raises. Times are seconds since the epoch.

    What is counted is the run's hosts as they end; of a playbook, the hosts of a play as they end the
    task that began last.
    """

    title: str = ""
    run: str = ""
    started: float | None = None
    total: int = 0
    longest_name: int = 0
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    running: dict[str, Running] = field(default_factory=dict)
    """In the order of their start: the longest running first."""
    playing: bool = False
    failures: deque[Ended] = field(default_factory=lambda: deque(maxlen=KEPT))
    finished: deque[Ended] = field(default_factory=lambda: deque(maxlen=KEPT))
    _over: set[str] = field(default_factory=set)
    _since: float | None = None
    _all: int = 0
    _play: tuple[str, ...] = ()
    _out: set[str] = field(default_factory=set)
    _ending: bool = False
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

    @property
    def failed_before(self) -> int:
        """Hosts of a playbook that failed in an earlier task."""
        return len(self._out - self._over)

    def handle(self, event: Event) -> None:
        if self.started is None:
            self.started = self._since = event.ts
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
        elif isinstance(event, PauseStarted):
            self._state(event.host, event.ts, "pausing")
        elif isinstance(event, TaskFinished):
            self._task_ended(event)
        elif isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, PlayStarted):
            self.title = event.play
            self._play = event.hosts
        elif isinstance(event, TaskStarted):
            self._task_began(event)

    def rate(self, now: float) -> float:
        """Hosts ended per second, over the last seconds of the run; 0 when that is unknown."""
        elapsed = self._elapsed(now)
        span = min(float(WINDOW), elapsed)
        if span < 1:
            return 0.0
        first = now - span
        ended = sum(count for second, count in self._per_second.items() if second >= int(first))
        return ended / span

    def time_left(self, now: float) -> float | None:
        """Seconds until the last host ends, at the run's rate; None when that says nothing: at the
        beginning, and when only stragglers are left."""
        elapsed = self._elapsed(now)
        missing = self.total - self.done
        stragglers = not self.waiting and missing * 10 <= self.total
        if not self.done or missing <= 0 or stragglers or elapsed < 1:
            return None
        recent = self.rate(now)
        average = self.done / elapsed
        return missing / max(recent, average / 4)

    def _elapsed(self, now: float) -> float:
        return now - (self._since if self._since is not None else now)

    def _start(self, event: RunStarted) -> None:
        self.started = self._since = event.ts
        self.run = event.run
        self.title = event.task
        self._all = len(event.hosts)
        self.total = max(self._all, self.done + len(self.running))
        self.longest_name = max(map(len, event.hosts), default=0)

    def _host(self, host: str, ts: float) -> Running | None:
        """The host in flight; None when it ended already (a late event)."""
        running = self.running.get(host)
        if host in self._out and host not in self._over:
            self._goes_on(host)
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

    def _task_began(self, event: TaskStarted) -> None:
        self.title = f"{event.play}: {event.task}" if event.play else event.task
        if self._ending:
            return
        self.playing = True
        self._anew(event.ts)
        for host in self._play:
            if host not in self._out:
                self.running[host] = Running(host, event.ts, "running")
        self.total = len(self.running)

    def _anew(self, ts: float) -> None:
        """Counting begins again."""
        self._since = ts
        self._over.clear()
        self._per_second.clear()
        self.running.clear()
        self.finished.clear()
        self.total = 0
        self.counts = dict.fromkeys(STATUSES, 0)

    def _task_ended(self, event: TaskFinished) -> None:
        if not self.playing:
            self._state(event.host, event.ts, "running", f"{event.task}: {event.status}\n")
            return
        if event.host in self._over:
            return
        self._goes_on(event.host)
        good = event.status in GOOD or bool(event.result and event.result.get("ignored"))
        if not good:
            self._out.add(event.host)
        self._count(of_task(event, self._elapsed(event.ts)), event.ts, good=good)

    def _goes_on(self, host: str) -> None:
        """It failed before, and was rescued."""
        if host in self._out:
            self._out.remove(host)
            self.failures = deque((each for each in self.failures if each.host != host), KEPT)

    def _end(self, event: HostFinished) -> None:
        if self.playing:  # of the whole now, all hosts at once
            self._anew(event.ts)
            self._out.clear()
            self.failures.clear()
            self.playing, self.total = False, self._all
        self._ending = True
        if event.host not in self._over:
            self._count(of_host(event), event.ts, good=event.ok)

    def _count(self, event: Ended, ts: float, *, good: bool) -> None:
        self.running.pop(event.host, None)
        self._over.add(event.host)
        self.total = max(self.total, self.done + len(self.running))
        self.longest_name = max(self.longest_name, len(event.host))
        self.counts[event.status] += 1
        second = int(ts)
        self._per_second[second] = self._per_second.get(second, 0) + 1
        while len(self._per_second) > WINDOW + 1:
            del self._per_second[min(self._per_second)]
        (self.finished if good else self.failures).appendleft(event)
