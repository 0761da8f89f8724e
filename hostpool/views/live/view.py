"""The live view: the plain view's words, with a table below them while the run lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hostpool.events import Event, PlayStarted, RunFinished
from hostpool.views.live.model import Model
from hostpool.views.live.render import frame
from hostpool.views.live.screen import Screen
from hostpool.views.options import ViewOptions, is_terminal
from hostpool.views.plain import PlainView
from hostpool.views.writer import Name, Writer

INTERVAL = 0.1
"""Seconds between frames, and before the first: a run that ends sooner draws no table."""
IDLE = 5
"""Intervals without events after which a frame is drawn for the clocks in it."""
SMALL = 6
"""Rows; what scrolls by above the table has the greater part of the screen, the table at least these."""
QUEUED = 64 * 1024
"""Characters waiting to be scrolled; beyond, `handle` waits for the terminal."""


class LiveView:
    """Draws from a thread of its own. A paused terminal (Ctrl-S) stops that thread, and `handle` only
    once QUEUED characters wait or the report is due. An error of the terminal is raised by `handle`."""

    def __init__(self, options: ViewOptions) -> None:
        self._options = options
        self._model = Model()
        self._screen = Screen(options.stdout, options.size, color=options.color)
        self._changed = threading.Condition()
        self._scrolled: list[str] = []
        self._scrolled_size = 0
        self._events = 0
        self._pauses = 0
        self._gone = False
        self._stopping = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._scrolls = options.stream or options.verbose
        self._plain = PlainView(options, _Scroll(options, self))

    def handle(self, event: Event) -> None:
        self._raise_error()
        if isinstance(event, RunFinished):
            self._stop()
        else:
            with self._changed:
                self._model.handle(event)
                self._events += 1
                self._scrolls = self._scrolls or isinstance(event, PlayStarted)
            self._start()
        self._plain.handle(event)

    def close(self) -> None:
        try:
            self._stop()
        except BaseException:
            self._plain.discard()
            raise
        self._plain.close()

    def discard(self) -> None:
        try:
            self._stop()
        except (OSError, ValueError):
            pass  # the terminal, of which handle has told
        self._plain.discard()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The table goes, and comes back afterwards; what hosts say meanwhile waits."""
        with self._changed:
            self._pauses += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._gone or not self._drawing())
        try:
            yield
        finally:
            with self._changed:
                self._pauses -= 1
                self._changed.notify_all()

    def scroll(self, text: str) -> bool:
        """Puts ``text`` above the table; False when there is none."""
        with self._changed:
            while self._drawing() and self._scrolled_size > QUEUED:
                self._changed.wait(1)
            if not self._drawing():
                return False
            self._scrolled.append(text)
            self._scrolled_size += len(text)
            return True

    def _drawing(self) -> bool:
        return self._thread is not None and not self._stopping and self._error is None

    def _start(self) -> None:
        if self._thread is None and not self._stopping:
            # A daemon: leaving at once must not wait for a terminal that does not take a frame.
            self._thread = threading.Thread(target=self._draw, name="live view", daemon=True)
            self._thread.start()

    def _stop(self) -> None:
        """The table goes; what still waited above it stays."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._raise_error()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            self._stopping = True
            raise error

    def _draw(self) -> None:
        try:
            self._frames()
            columns, _ = self._screen.size()
            self._screen.clear(columns, self._take())
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _frames(self) -> None:
        drawn, idle = 0, 0
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping or self._pauses, INTERVAL):
                    if self._stopping:
                        return
                    self._make_way()
                    continue
                idle = 0 if self._events != drawn else idle + 1
                if idle % IDLE:
                    continue
                drawn = self._events
                columns, rows = self._screen.size()
                if self._scrolls:
                    rows = min(rows, max(SMALL, rows // 3))
                lines = frame(self._model, columns, rows, self._options.clock())
                above = self._take()
            self._screen.draw(lines, columns, above)

    def _make_way(self) -> None:
        """For a pause. Holds the lock while it writes: the one who pauses waits for just that."""
        columns, _ = self._screen.size()
        self._screen.clear(columns)
        self._gone = True
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._stopping or not self._pauses)
        self._gone = False

    def _take(self) -> str:
        with self._changed:
            above = "".join(self._scrolled)
            self._scrolled.clear()
            self._scrolled_size = 0
            self._changed.notify_all()
        return above


class _Scroll(Writer):
    """While the table stands, text for the terminal goes above it; what goes to a file goes there."""

    def __init__(self, options: ViewOptions, view: LiveView) -> None:
        super().__init__(options)
        self._view = view
        self._terminal = {"stdout": is_terminal(options.stdout), "stderr": is_terminal(options.stderr)}

    def write(self, name: Name, text: str) -> None:
        if not (text and self._terminal[name] and self._view.scroll(text)):
            super().write(name, text)
