"""Draws the model: state, size and time in, lines out. Pure.

A line is a list of spans, each text and SGR parameters. Every line is at most ``columns - 1`` cells wide
and there are at most ``rows - 1`` lines, so nothing wraps and nothing scrolls.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from hostpool.views.live.cells import fit, padded, width
from hostpool.views.live.ended import Ended
from hostpool.views.live.model import Model, Running
from hostpool.views.neutralise import one_line
from hostpool.views.words import STYLE, seconds, tally

Span = tuple[str, str]
Line = list[Span]

BOLD, DIM, GOOD, BAD, ACTIVE = "1", "2", "32", "31", "36"
STATE_CELLS = 11
TIME_CELLS = 9
BAR_CELLS = 60


def frame(model: Model, columns: int, rows: int, now: float) -> list[Line]:
    """The table for a terminal of ``columns`` × ``rows`` at time ``now`` (seconds since the epoch)."""
    columns, rows = max(2, columns - 1), max(1, rows - 1)
    head = _head(model, columns, now)
    if rows < len(head):
        return head[1 : 1 + rows]
    return head + _body(model, columns, rows - len(head), now)


def _head(model: Model, columns: int, now: float) -> list[Line]:
    elapsed = _whole(now - model.started) if model.started is not None and now >= model.started else ""
    title = padded(one_line(model.title) or "hostpool", columns - width(elapsed) - 1)
    return [
        [(fit(title, columns), BOLD), (fit(f" {elapsed}", columns - width(title)), DIM)],
        _bar(model, columns, now),
        _counts(model, columns),
    ]


def _bar(model: Model, columns: int, now: float) -> Line:
    done, total = model.done, max(model.total, 1)
    parts = [f" {done:{len(str(total))}}/{model.total}"]
    rate = model.rate(now)
    if rate:
        parts.append(f"{rate:.1f}/s" if rate < 10 else f"{rate:.0f}/s")
    left = model.time_left(now)
    if left is not None:
        parts.append(f"{_whole(max(left, 1))} left")
    while len(parts) > 1 and len("  ".join(parts)) > columns - 10:
        parts.pop()
    text = fit("  ".join(parts), columns)
    # The text changes its length all the time, the bar does not.
    cells = min(columns * 3 // 5, BAR_CELLS, columns - width(text))
    filled = cells * done // total
    bad = min(filled, -(-cells * model.bad // total))
    return [("━" * (filled - bad), GOOD), ("━" * bad, BAD), ("─" * (cells - filled), DIM), (text, "")]


def _whole(value: float) -> str:
    """A duration without tenths, which would flicker."""
    return f"{int(value)} s" if value < 10 else seconds(value)


def _counts(model: Model, columns: int) -> Line:
    pieces = [(text, STYLE[status]) for status, text in tally(model.counts)]
    if model.running:
        # Of a task of a playbook some may still wait for a place.
        pieces.append((f"{len(model.running)} {'to go' if model.playing else 'running'}", ACTIVE))
    if model.waiting:
        pieces.append((f"{model.waiting} waiting", DIM))
    if model.failed_before:
        pieces.append((f"{model.failed_before} failed before", BAD))
    line: Line = []
    room = columns
    for text, style in pieces:
        text = fit(text if not line else f"  {text}", room)
        line.append((text, style))
        room -= width(text)
    return line


def _body(model: Model, columns: int, rows: int, now: float) -> list[Line]:
    """The three lists, each with its title where there is room for titles."""
    sizes = [len(model.failures), len(model.running), len(model.finished)]
    titles = [
        f"failures {model.bad + model.failed_before}, latest first",
        f"{'to go' if model.playing else 'running'} {len(model.running)}, longest first",
        f"done {model.done - model.bad}, latest first",
    ]
    titled = rows >= 9
    room = rows - sum(1 for size in sizes if size) if titled else rows
    shares = share(room, sizes)
    table = _Table(columns, model.longest_name)
    rows_of = [
        [table.ended(host) for host in islice(model.failures, shares[0])],
        [table.running(host, now) for host in islice(model.running.values(), shares[1])],
        [table.ended(host) for host in islice(model.finished, shares[2])],
    ]
    lines: list[Line] = []
    for title, section in zip(titles, rows_of, strict=True):
        if section and titled:
            lines.append([(fit(title, columns), DIM)])
        lines += section
    return lines


def share(room: int, sizes: Sequence[int]) -> list[int]:
    """Divides ``room`` rows over lists of these sizes: a quarter for the failures, half for the running,
    the rest for the finished; what one does not need goes to the others, the running first. A failure is
    in sight as soon as there are two rows."""
    weights = (1, 2, 1)
    shares = [min(size, room * weight // 4) for size, weight in zip(sizes, weights, strict=True)]
    if room > 1:
        shares[0] = max(shares[0], min(sizes[0], 1))
    for at in (1, 0, 2):
        shares[at] += min(sizes[at] - shares[at], room - sum(shares))
    return shares


class _Table:
    """Columns: host, state, time, text; on narrow screens the later ones go first."""

    def __init__(self, columns: int, longest_name: int) -> None:
        self._columns = columns
        self._name = max(
            1, min(max(longest_name, 6), columns if columns < 24 else max(12, columns * 3 // 10))
        )
        self._state = columns >= 36
        self._time = columns >= 48

    def ended(self, host: Ended) -> Line:
        return self._line(host.host, host.state, STYLE[host.status], host.duration, last_line(host.text))

    def running(self, host: Running, now: float) -> Line:
        text = host.progress or last_line(host.tail)
        return self._line(host.host, host.state, ACTIVE, now - host.since, text)

    def _line(self, host: str, state: str, style: str, duration: float, text: str) -> Line:
        line: Line = [(padded(one_line(host), self._name), "" if self._state else style)]
        room = self._columns - self._name
        if self._state:
            line.append((padded("  " + state, STATE_CELLS + 2), style))
            room -= STATE_CELLS + 2
        if self._time:
            line.append((seconds(duration).rjust(TIME_CELLS), DIM))
            room -= TIME_CELLS
        if room > 4:
            line.append((fit("  " + text, room), ""))
        return line


def last_line(text: str) -> str:
    """The newest line that is not blank, also of a progress bar that overwrites itself by CR."""
    for line in reversed(text.replace("\r", "\n").split("\n")):
        if line.strip():
            shown = one_line(line.expandtabs(1)).strip()
            if shown:
                return shown
    return ""
