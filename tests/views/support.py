"""What the tests of the views share: streams, terminals, runs that go as they should and runs that do not."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence

import pyte
import pyte.modes
from hypothesis import strategies as st

from hostpool.errors import ErrorInfo
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
    RunFinished,
    RunStarted,
    Stream,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.results import STATUSES, counts_of
from hostpool.views import View, ViewOptions

START = 1_700_000_000.0
RUN = "3f9a2c"


class Terminal:
    """A terminal emulator as an output stream; ``\\n`` returns the carriage, as a tty's ONLCR has it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self.screen.set_mode(pyte.modes.LNM)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()  # a view writes from a thread of its own
        self.raw = b""

    def write(self, data: bytes, /) -> int:
        with self._lock:
            self.raw += data
            self._stream.feed(data)
        return len(data)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.lines

    def lines(self) -> list[str]:
        """All that is to be read, what scrolled away included."""
        with self._lock:
            gone = [
                "".join(row[x].data for x in range(self.screen.columns)).rstrip()
                for row in self.screen.history.top
            ]
            return gone + [line.rstrip() for line in self.screen.display]


def finished(host: str, **fields: object) -> HostFinished:
    return HostFinished(**{"ts": START + 1, "host": host, "status": "ok", "duration": 0.5, **fields})  # type: ignore[arg-type]  # tests name any field


def whole_run(results: Sequence[HostFinished], *between: Event, exit_code: int = 0) -> list[Event]:
    """A run in which every result's host started, in the order given."""
    hosts = tuple(result.host for result in results)
    return [
        RunStarted(ts=START, run=RUN, hosts=hosts, task="uptime", argv=("hostpool", "run", "all", "uptime")),
        *(HostStarted(ts=START, host=host) for host in hosts),
        *between,
        *results,
        RunFinished(
            ts=START + 2.3, run=RUN, counts=counts_of(list(results)), duration=2.3, exit_code=exit_code
        ),
    ]


def feed(view: View, events: Sequence[Event]) -> None:
    for event in events:
        view.handle(event)
    view.close()


class Pipe(io.BytesIO):
    def text(self) -> str:
        return self.getvalue().decode()


def pipes(**fields: object) -> tuple[ViewOptions, Pipe, Pipe]:
    """Options with a pipe each for stdout and stderr."""
    out, err = Pipe(), Pipe()
    return ViewOptions(stdout=out, stderr=err, **fields), out, err  # type: ignore[arg-type]  # tests name any field


HOSTILE_TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "\x1b[2J\x1b[H",
            "\x1b]0;pwned\x07",
            "\x9b31m",
            "\x1b[1;3r",
            "\x1b[?7h" + "x" * 300,
            "a\rb",
            "\u202etxt",
            "日本語🚀" * 30,
            "web1 failed, exit code 2\n",
            "\x1b[31mred\x1b[0m\n",
            "\x00\x7f\x08\x08\x08",
            "x\n" * 50,
            "e\u0301\u200d\ufe0f",
            "\x1b\x1b[m[2J",
        ]
    ),
).map(lambda text: text.encode("utf-8", "replace").decode())
NAMES = st.one_of(
    st.sampled_from(
        ["web1", "web2", "web10", "db1.example.org", "10.0.0.1", "日本-1", "a\nb", "evil\x1b[2J"]
    ),
    st.from_regex(r"[a-z]{1,5}[0-9]{0,2}", fullmatch=True),
)


@st.composite
def host_events(draw: st.DrawFn, host: str) -> Event:
    ts = START + draw(st.floats(0, 100))
    text = draw(HOSTILE_TEXT)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return HostStarted(ts=ts, host=host)
    if kind == 1:
        return HostConnected(ts=ts, host=host, seconds=0.2)
    if kind == 2:
        return HostRetry(ts=ts, host=host, attempt=1, error=text)
    if kind == 3:
        return Progress(
            ts=ts, host=host, done=draw(st.integers(0, 9)), total=draw(st.integers(0, 9)), unit="files"
        )
    if kind == 4:
        return Warning(ts=ts, message=text, host=draw(st.sampled_from([None, host])))
    if kind == 5:
        return TaskFinished(ts=ts, host=host, play="p", task=text, status="ok", result={"msg": text})
    if kind == 6:
        play = PlayStarted(ts=ts, play=text, hosts=(host,))
        return play if draw(st.booleans()) else TaskStarted(ts=ts, play="p", task=text)
    if kind == 7:
        return PauseStarted(ts=ts, host=host, seconds=2.0, prompt=text)
    stream: Stream = "stderr" if draw(st.booleans()) else "stdout"
    return Output(ts=ts, host=host, stream=stream, text=text, lossy=draw(st.booleans()))


@st.composite
def results(draw: st.DrawFn, host: str) -> HostFinished:
    status = draw(st.sampled_from(STATUSES))
    good = status in ("ok", "changed", "skipped")
    return finished(
        host,
        status=status,
        exit_code=draw(st.sampled_from([None, 0])) if good else draw(st.sampled_from([None, 1, 255])),
        stdout=draw(HOSTILE_TEXT),
        stderr=draw(HOSTILE_TEXT),
        error=None if good else ErrorInfo(status, draw(HOSTILE_TEXT), draw(st.none() | HOSTILE_TEXT)),
    )


@st.composite
def faulty_runs(draw: st.DrawFn) -> tuple[list[str], list[Event]]:
    """The hosts of a run, and its events: some lost, some twice, in any order."""
    hosts = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    selected = tuple(host for host in hosts if draw(st.integers(0, 9)))
    middle: list[Event] = []
    known = set()
    for host in hosts:
        middle += draw(st.lists(host_events(host), max_size=4))
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
            middle.append(draw(results(host)))
            known.add(host)
    middle = draw(st.permutations(middle))
    start = RunStarted(ts=START, run=RUN, hosts=selected, task=draw(HOSTILE_TEXT))
    end = RunFinished(ts=START + 5, run=RUN, counts=counts_of([]), duration=5.0, exit_code=0)
    known |= {event.host for event in middle if isinstance(event, HostStarted)}
    if draw(st.integers(0, 9)):
        middle.insert(0, start)
        known |= set(selected)
    if draw(st.integers(0, 9)):
        middle.append(end)
    return [host for host in hosts if host in known], middle
