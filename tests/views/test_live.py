"""The live view on a terminal emulator: what is drawn, what stays, and that nothing breaks the screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings

import hostpool.views.live.view
from hostpool.events import (
    Event,
    HostFinished,
    HostStarted,
    Output,
    PlayStarted,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.views import ViewOptions, default_kind, make_view, needs_output, wants_color
from hostpool.views.live import LiveView
from hostpool.views.live.render import Line
from hostpool.views.live.screen import Screen
from tests.views.support import START, Pipe, Terminal, faulty_runs, feed, finished, whole_run

XTERM = {"TERM": "xterm-256color"}


def options(terminal: Terminal, **fields: object) -> ViewOptions:
    defaults = {"stdout": terminal, "stderr": terminal, "size": terminal.size, "environ": XTERM}
    return ViewOptions(**{**defaults, "clock": lambda: START + 3, **fields})  # type: ignore[arg-type]  # tests name any field


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_the_table_stands_while_the_run_lasts_and_the_report_after_it() -> None:
    terminal = Terminal()
    terminal.write(b"$ hostpool run web uptime\n")
    view = make_view("live", options(terminal, color=True))
    events = whole_run([finished(f"web{n}", stdout="up 3 days\n") for n in range(1, 41)])
    for event in events[:50]:
        view.handle(event)
    until(lambda: "9 ok" in terminal.screen.display[3])
    assert terminal.screen.display[1].startswith("uptime")
    assert "  9/40" in terminal.screen.display[2]
    assert terminal.screen.display[4].startswith("running 31, longest first")
    until(lambda: not terminal.screen.cursor.hidden)
    feed(view, events[50:])
    assert [line for line in terminal.lines() if line] == [
        "$ hostpool run web uptime",
        "web[1-40] (40): up 3 days",
        "40 hosts: 40 ok in 2.3 s (run 3f9a2c)",
    ]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (40, 10)])
def test_a_play_tells_task_hosts_and_failures(columns: int, rows: int) -> None:
    terminal = Terminal(columns, rows)
    view = make_view("live", options(terminal))
    hosts = [f"web{n:02}" for n in range(1, 35)]
    start, *_ = whole_run([finished(host) for host in hosts])
    view.handle(start)
    view.handle(PlayStarted(ts=START, play="Roll out", hosts=tuple(hosts)))

    def ended(task: str, host: str, status: str = "changed", **result: object) -> TaskFinished:
        fields = {"play": "Roll out", "task": task, "status": status, "result": result}
        return TaskFinished(ts=START + 1, host=host, **fields)  # type: ignore[arg-type]  # a status

    def table() -> list[str]:
        """From the title of the table on."""
        lines = [line.rstrip() for line in terminal.screen.display]
        titles = [at for at, line in enumerate(lines) if line.startswith("Roll out: ")]
        return lines[titles[-1] :] if titles else []

    view.handle(TaskStarted(ts=START, play="Roll out", task="stop"))
    for host in hosts:
        failed = host == "web07"
        view.handle(
            ended("stop", host, "failed", rc=3, stderr="no such unit\n") if failed else ended("stop", host)
        )
    view.handle(TaskStarted(ts=START, play="Roll out", task="copy"))
    for host in hosts[10:20]:
        view.handle(ended("copy", host, msg="copied"))
    until(lambda: any("10 changed  23 to go  1 failed before" in line for line in table()))
    until(lambda: not terminal.screen.cursor.hidden)
    shown = table()
    assert "10/33" in shown[1]
    told = [line.split() for line in shown[3:] if line]
    assert ["web07", "exit", "3"] in [words[:3] for words in told]
    assert any(words[:2] == ["web01", "running"] for words in told)
    assert any(words[:2] == ["web20", "changed"] for words in told) or rows < 20
    assert all(len(line) < columns for line in shown) and len(shown) <= rows
    assert terminal.screen.display[0].startswith("PLAY [Roll out]") or rows < 20
    feed(view, [finished(host, ts=START + 2, result={"recap": {"ok": 2, "changed": 2}}) for host in hosts])
    lines = [line for line in terminal.lines() if line]
    assert lines.count("PLAY RECAP") == 1
    assert any(line.replace(" ", "").startswith("web[01-34](34):ok=2changed=2") for line in lines)


def test_a_run_that_ends_before_the_first_frame_draws_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostpool.views.live.view, "INTERVAL", 60.0)
    terminal = Terminal()
    feed(make_view("live", options(terminal)), whole_run([finished("web1", stdout="x\n")]))
    assert terminal.raw == b"web1: x\n1 host: 1 ok in 2.3 s (run 3f9a2c)\n"


def test_stream_warnings_and_headings_scroll_by_above_the_table() -> None:
    terminal = Terminal(60, 15)
    view = make_view("live", options(terminal, stream=True))
    view.handle(whole_run([finished("web1")])[0])
    view.handle(PlayStarted(ts=START, play="site", hosts=("web1",)))
    view.handle(TaskStarted(ts=START, play="site", task="install"))
    view.handle(Warning(ts=START, message="careful"))
    for n in range(30):
        view.handle(Output(ts=START, host="web1", stream="stdout", text=f"line {n}\n"))
    until(lambda: "web1: line 29" in terminal.lines())
    assert terminal.lines()[:4] == ["PLAY [site]", "TASK [install]", "warning: careful", "web1: line 0"]
    until(lambda: any(line.startswith("site: install") for line in terminal.lines()))
    assert any(line.startswith("web1: line") for line in terminal.screen.display), "the table leaves room"
    view.close()
    assert sum(line.startswith("web1: line") for line in terminal.lines()) == 30
    assert needs_output("live", options(terminal, stream=True))


def test_what_is_meant_for_a_file_goes_to_the_file() -> None:
    terminal, log = Terminal(), Pipe()
    view = make_view("live", options(terminal, stderr=log))
    start, *_, end = whole_run([finished("web1", stdout="x\n")])
    feed(view, [start, Warning(ts=START, message="careful"), finished("web1", stdout="x\n"), end])
    assert log.text() == "warning: careful\n1 host: 1 ok in 2.3 s (run 3f9a2c)\n"
    assert shown(terminal) == ["web1: x"]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (20, 5), (3, 2), (200, 50)])
@settings(max_examples=20, deadline=None)
@given(run=faulty_runs())
def test_no_frame_wraps_or_scrolls(columns: int, rows: int, run: tuple[list[str], list[Event]]) -> None:
    from hostpool.views.live.model import Model
    from hostpool.views.live.render import frame

    terminal = Terminal(columns, rows)
    screen = Screen(terminal, terminal.size, color=True)
    modes = set(terminal.screen.mode)
    model = Model()
    for event in run[1]:
        model.handle(event)
        screen.draw(frame(model, columns, rows, START), columns)
        assert not terminal.screen.history.top, "the frame scrolled"
        assert set(terminal.screen.mode) == modes, "a mode was left on"
        assert terminal.screen.title == ""
        assert not terminal.screen.cursor.hidden
    screen.clear(columns)
    assert all(not line.strip() for line in terminal.screen.display)


def lines_of(*texts: str) -> list[Line]:
    return [[(text, "")] for text in texts]


def shown(terminal: Terminal) -> list[str]:
    return [line.rstrip() for line in terminal.screen.display if line.strip()]


def test_a_frame_replaces_the_one_before() -> None:
    terminal = Terminal(20, 6)
    screen = Screen(terminal, terminal.size, color=False)
    screen.draw(lines_of("one", "two", "three"), 20)
    screen.draw(lines_of("one", "2"), 20)
    assert shown(terminal) == ["one", "2"]
    screen.draw(lines_of("eins", "zwei", "drei", "vier"), 20, above="gone by\n")
    assert shown(terminal) == ["gone by", "eins", "zwei", "drei", "vier"]
    screen.clear(20, "last words\n")
    assert shown(terminal) == ["gone by", "last words"]


def test_a_terminal_that_becomes_narrower_is_cleaned() -> None:
    terminal = Terminal(20, 8)
    screen = Screen(terminal, terminal.size, color=False)
    screen.draw(lines_of("x" * 19, "y" * 19), 20)
    # pyte cuts lines off; most terminals break them anew, as is done here by hand.
    terminal.screen.resize(8, 10)
    terminal.write(b"\x1b[2J\x1b[H" + b"x" * 19 + b"\r\n" + b"y" * 19 + b"\x1b[3;1H")
    screen.draw(lines_of("new", "frame"), 10)
    assert shown(terminal) == ["new", "frame"]


def test_keys_typed_over_the_table_vanish() -> None:
    terminal = Terminal(20, 6)
    screen = Screen(terminal, terminal.size, color=False)
    for _ in range(11):
        screen.draw(lines_of("one", "two"), 20)
        terminal.write(b"^C\r")
    screen.draw(lines_of("one", "two"), 20)
    for _ in range(10):
        screen.draw(lines_of("one", "two"), 20)
    assert shown(terminal) == ["one", "two"]


def test_a_size_that_nobody_knows() -> None:
    def unknown() -> tuple[int, int]:
        raise OSError

    assert Screen(Pipe(), None, color=False).size() == (80, 24)
    assert Screen(Pipe(), lambda: (0, 0), color=False).size() == (80, 24)
    assert Screen(Pipe(), unknown, color=False).size() == (80, 24)


def test_a_question_has_the_terminal_to_itself() -> None:
    terminal = Terminal()
    view = make_view("live", options(terminal, stream=True))
    view.handle(whole_run([finished("web1")])[0])
    until(lambda: "0/1" in "".join(terminal.screen.display))
    with view.paused():
        assert shown(terminal) == []
        terminal.write(b"Passphrase: ")
        view.handle(Output(ts=START, host="web1", stream="stdout", text="hello\n"))
        time.sleep(0.25)
        assert shown(terminal) == ["Passphrase:"]
        terminal.write(b"\r\n")
    until(lambda: "0/1" in "".join(terminal.screen.display))
    assert shown(terminal)[:2] == ["Passphrase:", "web1: hello"]
    view.close()
    with view.paused():
        pass


class Paused(Terminal):
    """A terminal held by Ctrl-S until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.reached = threading.Event()

    def write(self, data: bytes, /) -> int:
        self.reached.set()
        assert self.go.wait(60)
        self.raw += data  # emulating so many lines would take seconds
        return len(data)


def test_a_paused_terminal_holds_up_lines_but_not_the_counting_and_fills_no_memory() -> None:
    terminal = Paused()
    view = make_view("live", options(terminal, stream=True))
    events = whole_run([finished(f"web{n}") for n in range(500)])
    view.handle(events[0])
    assert terminal.reached.wait(60)
    for event in events[1:-1]:
        view.handle(event)
    done = threading.Event()

    def flood() -> None:
        for _ in range(20):
            view.handle(Output(ts=START, host="late", stream="stdout", text="x" * 9_999 + "\n"))
        feed(view, [events[-1]])
        done.set()

    thread = threading.Thread(target=flood)
    thread.start()
    assert not done.wait(0.3), "200 KB must wait for the terminal"
    terminal.go.set()
    assert done.wait(60)
    thread.join()
    assert "500 hosts: 500 ok" in terminal.raw.decode()
    assert terminal.raw.count(b"x" * 9_999) == 20


class Gone(Terminal):
    def write(self, data: bytes, /) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_raises_from_handle() -> None:
    view = make_view("live", options(Gone(), stream=True))
    view.handle(whole_run([finished("web1")])[0])

    def fails() -> bool:
        try:
            view.handle(HostStarted(ts=START, host="web1"))
        except OSError:
            return True
        return False

    until(fails)
    view.close()


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    view = make_view("live", options(Terminal()))
    view.handle(HostStarted(ts=START, host="web1"))
    view.close()
    assert threading.active_count() == before


def test_which_view_a_stream_gets() -> None:
    terminal = Terminal()
    assert default_kind(terminal, XTERM) == "live"
    assert default_kind(terminal, {"TERM": "dumb"}) == "plain"
    assert default_kind(terminal, {}) == "plain"
    assert default_kind(Pipe(), XTERM) == "plain"
    assert wants_color(terminal, XTERM)
    assert not wants_color(terminal, {**XTERM, "NO_COLOR": "1"})
    assert not wants_color(Pipe(), XTERM)
    plain = make_view("live", options(terminal, environ={"TERM": "dumb"}))
    feed(plain, whole_run([finished("web1")]))
    assert b"\x1b" not in terminal.raw
    closed = Pipe()
    closed.close()
    assert default_kind(closed, XTERM) == "plain"


def test_five_hundred_results_arrive_in_no_time() -> None:
    terminal = Terminal()
    view = LiveView(options(terminal))
    events = whole_run([finished(f"web{n}") for n in range(500)])
    began = time.process_time()
    feed(view, events)
    assert time.process_time() - began < 5
    assert sum(isinstance(event, HostFinished) for event in events) == 500
