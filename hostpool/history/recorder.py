"""The Sink that writes a run down while it goes on.

All selected hosts are in the file before the first one is touched. What happens is gathered and written a
few times a second by a thread of its own, so a run that is killed leaves its hosts' last known states.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hostpool.errors import HostpoolError
from hostpool.events import Event, HostStarted, PlayStarted, RunFinished, TaskFinished, TaskStarted
from hostpool.history import process
from hostpool.history.database import PLACES, HistoryError, explained, host_id, open_for_writing
from hostpool.history.pruning import Limits, prune_when_due
from hostpool.history.records import KEPT_OUTPUT, About, Step, compressed, packed, packed_steps, step_line
from hostpool.results import HostResult

_GATHER = 0.1
"""Seconds that changes are gathered before they are written: what a kill may cost."""
_BACKLOG = 32 * 1024 * 1024
"""Bytes waiting for a slow disk; beyond them only states are kept, without output."""
_TOGETHER = 256 * 1024
"""Bytes of events of a playbook that become one record; whoever reads it holds all of them."""
_PATIENCE = 20.0
"""Seconds the end of a run waits for the last writes."""

_STEPS = (TaskFinished, TaskStarted, PlayStarted)
Warn = Callable[[HostpoolError], None]
_Row = tuple[int, str, str, float, bytes | None]


class Recorder:
    """``begin`` gives the run its number. ``mask`` takes the secrets out of each event; without ``output``
    only states are kept. ``warn`` is told once, from any thread, when nothing more can be written."""

    def __init__(
        self,
        file: Path,
        about: About,
        *,
        mask: Callable[[Event], Event] = lambda event: event,
        output: bool = True,
        limits: Limits | None = None,
        warn: Warn = lambda error: None,
    ) -> None:
        self._file = file
        self._about = about
        self._mask = mask
        self._output = output
        self._limits = limits
        self.warn = warn
        self._connection: sqlite3.Connection | None = None
        self._run = 0
        self._ids: dict[str, int] = {}
        self._rows: list[_Row] = []
        self._lines: list[bytes] = []
        self._lines_size = 0
        self._steps: list[bytes] = []
        self._room: dict[str, int] = {}
        self._bytes = 0
        self._end: RunFinished | None = None
        self._left: bytes | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def begin(self, hosts: Sequence[str]) -> int:
        """Writes the run and its hosts down; returns its number. Raises HistoryError."""
        if len(hosts) > PLACES:
            raise HistoryError(f"a run of more than {PLACES} hosts does not fit the history")
        connection = open_for_writing(self._file)
        try:
            self._run = self._insert(connection, hosts)
        except sqlite3.Error as error:
            connection.close()
            raise explained(error, self._file) from error
        self._connection = connection
        self._ids = {host: host_id(self._run, place) for place, host in enumerate(hosts)}
        self._thread = threading.Thread(target=self._write_until_closed, name="hostpool-history", daemon=True)
        self._thread.start()
        return self._run

    def _insert(self, connection: sqlite3.Connection, hosts: Sequence[str]) -> int:
        about = self._about
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # rolls back when something fails
            run = connection.execute(
                "INSERT INTO run (started, user, sudo_user, machine, process, command, task, pattern, name,"
                " again, hosts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    time.time(), _text(about.user), about.sudo_user and _text(about.sudo_user),
                    process.machine(), process.identity(), about.command, _text(about.task),
                    _text(about.pattern), about.name, about.again, len(hosts),
                ),
            ).lastrowid  # fmt: skip
            assert run is not None
            connection.executemany(
                "INSERT INTO host (id, name, status) VALUES (?, ?, 'not_run')",
                ((host_id(run, place), _text(host)) for place, host in enumerate(hosts)),
            )
        return run

    def keep(self, left: bytes) -> None:
        """What the run leaves for one that takes it up; masked by whoever makes it. Before its end."""
        with self._changed:
            self._left = compressed(left)

    # -- the sink ------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        if isinstance(event, _STEPS):
            self._step(event)
        elif isinstance(event, HostStarted):
            self._put(event.host, "running", event.ts, None)
        elif isinstance(event, HostResult):
            self._put(event.host, event.status, event.ts, self._packed(event))
        elif isinstance(event, RunFinished):
            with self._changed:
                self._end = event
            # The views have not told of the end yet: a warning from here still reaches the person.
            self.close()

    def close(self) -> None:
        """Everything is written when it returns, or the person was warned. Raises nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        thread.join(_PATIENCE)
        if thread.is_alive():
            self.warn(HistoryError("the history is still being written; its last part may be missing"))

    def _packed(self, event: HostResult) -> bytes:
        masked = self._mask(event)
        assert isinstance(masked, HostResult)
        return packed(masked, output=self._output and self._bytes < _BACKLOG)

    def _step(self, event: Step) -> None:
        masked = self._mask(event)
        assert isinstance(masked, _STEPS)
        host = event.host if isinstance(event, TaskFinished) else ""
        room = self._room.get(host, KEPT_OUTPUT if self._output else 0)
        line, size = step_line(masked, room)
        self._room[host] = room - size
        with self._changed:
            if self._thread is None or self._bytes + self._lines_size >= _BACKLOG:
                return
            self._wake()
            self._lines.append(line)
            self._lines_size += len(line)
            if self._lines_size > _TOGETHER:
                # More than the writing thread keeps up with: it waits smaller.
                self._pack()

    def _pack(self) -> None:
        if self._lines:
            record = packed_steps(self._lines)
            self._lines, self._lines_size = [], 0
            self._steps.append(record)
            self._bytes += len(record)

    def _wake(self) -> None:
        """To be called before there is something to write, if there was nothing."""
        if not (self._rows or self._steps or self._lines):
            self._changed.notify()

    def _put(self, host: str, status: str, ts: float, record: bytes | None) -> None:
        with self._changed:
            if self._thread is None or not self._ids:
                return
            # A playbook may come to hosts that were not known when it began.
            place = self._ids.setdefault(host, host_id(self._run, len(self._ids)))
            self._wake()
            self._rows.append((place, _text(host), status, ts, record))
            self._bytes += len(record or b"")

    # -- the writing thread --------------------------------------------------------------------------

    def _write_until_closed(self) -> None:
        connection = self._connection
        assert connection is not None
        try:
            while self._write_some(connection):
                pass
            if self._limits is not None:
                prune_when_due(connection, self._limits, keep=self._run)
        except (OSError, sqlite3.Error) as error:
            self.warn(explained(error, self._file))
        finally:
            with self._changed:
                self._thread = None
                self._rows, self._steps, self._lines = [], [], []
            try:
                connection.close()
            except sqlite3.Error:  # the disk is full: what was committed stays
                pass

    def _write_some(self, connection: sqlite3.Connection) -> bool:
        """Waits for changes and writes them; whether more may come."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows or self._steps or self._lines or self._closing)
            if not self._closing:
                self._changed.wait_for(lambda: self._closing, _GATHER)
            rows, self._rows = self._rows, []
            steps, self._steps = self._steps, []
            lines, self._lines, self._lines_size = self._lines, [], 0
            self._bytes = 0
            end = self._end if self._closing else None
            more = not self._closing
        if lines:
            steps.append(packed_steps(lines))
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.executemany(
                "INSERT INTO host (id, name, status, since, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET status = excluded.status, since = excluded.since, record = excluded.record",
                rows,
            )
            connection.executemany(
                "INSERT INTO step (run, record) VALUES (?, ?)", [(self._run, record) for record in steps]
            )
            if end is not None and self._left is not None:
                connection.execute("INSERT INTO left_over VALUES (?, ?)", (self._run, self._left))
            if end is not None:
                connection.execute(
                    "UPDATE run SET finished = ?, duration = ?, counts = ?, exit_code = ?, interrupted = ?,"
                    " hosts = ? WHERE id = ?",
                    (
                        end.ts, end.duration, json.dumps(end.counts), end.exit_code, end.interrupted,
                        len(self._ids), self._run,
                    ),
                )  # fmt: skip
        return more


def _text(value: str) -> str:
    """SQLite's text is UTF-8: what is not (a file name in a command) is shown in place."""
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
