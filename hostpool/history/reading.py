"""Looks runs up. Opening for reading never changes the file, and needs nothing of the run that wrote it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.history.database import HistoryError, explained, host_id, open_for_reading
from hostpool.history.process import lives
from hostpool.history.records import Run, Step, decompressed, unpacked, unpacked_steps
from hostpool.results import STATUSES, HostResult, Status

_COLUMNS = (
    "id, started, finished, duration, user, sudo_user, command, task, pattern, name, hosts, counts,"
    " exit_code, interrupted, process, machine"
)
_HINT = "`hostpool history` lists the runs"


class Query(msgspec.Struct, frozen=True):
    """Which runs; a field that is None asks for nothing. ``host`` is a name or a glob, ``command`` a part
    of what was run (of the command's name too), ``name`` one of --cron, ``since`` a time."""

    host: str | None = None
    status: Status | None = None
    since: float | None = None
    command: str | None = None
    name: str | None = None
    limit: int | None = None


class History:
    """Reads one file; a history that was never written is empty. Every method raises HistoryError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection = open_for_reading(file)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def runs(self, query: Query) -> list[Run]:
        """The newest first."""
        with self._reading() as connection:
            if connection is None:
                return []
            where, values = _conditions(query)
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM run WHERE {where} ORDER BY id DESC LIMIT ?",
                (*values, -1 if query.limit is None else query.limit),
            ).fetchall()
            return [self._run(connection, row) for row in rows]

    def run(self, number: int | None = None) -> Run:
        """This run, or the last one."""
        with self._reading() as connection:
            where = "1 ORDER BY id DESC LIMIT 1" if number is None else "id = ?"
            row: tuple[Any, ...] | None = None
            if connection is not None:
                values = () if number is None else (number,)
                row = connection.execute(f"SELECT {_COLUMNS} FROM run WHERE {where}", values).fetchone()
            if connection is None or row is None:
                if number is None:
                    raise HistoryError("the history is empty: no run has been recorded yet")
                raise HistoryError(f"the history has no run {number}", hint=_HINT)
            return self._run(connection, row)

    def last_of(self, host: str) -> Run:
        """The newest run on this host."""
        found = self.runs(Query(host=_literal(host), limit=1))
        if not found:
            raise HistoryError(f"the history knows no host {host!r}", hint=_HINT)
        return found[0]

    def again(self, number: int) -> bytes | None:
        """What the run's command needs to be called once more."""
        with self._reading() as connection:
            if connection is None:
                return None
            row = connection.execute("SELECT again FROM run WHERE id = ?", (number,)).fetchone()
            return row[0] if row else None

    def left(self, number: int) -> bytes | None:
        """Where its hosts stood at the end, if it was a playbook that not every host came through."""
        with self._reading() as connection:
            if connection is None:
                return None
            row = connection.execute("SELECT record FROM left_over WHERE run = ?", (number,)).fetchone()
            return decompressed(row[0]) if row else None

    def names(self, run: Run) -> list[str]:
        """Its hosts, in inventory order."""
        with self._reading() as connection:
            return [row[0] for row in _hosts(connection, run.run, "name")]

    def results(self, run: Run, host: str | None = None) -> Iterator[HostResult]:
        """What became of each selected host (or one), in inventory order; also of those without a result."""
        with self._reading() as connection:
            for name, status, since, record in _hosts(connection, run.run, "name, status, since, record"):
                if host is None or name == host:
                    yield _result(run, name, status, since, record)

    def steps(self, run: Run) -> Iterator[Step]:
        """The plays and tasks of a playbook, as they went on."""
        with self._reading() as connection:
            if connection is not None:
                found = connection.execute("SELECT record FROM step WHERE run = ? ORDER BY id", (run.run,))
                for (record,) in found:
                    yield from unpacked_steps(record)

    def statuses(self, run: Run) -> dict[str, Status]:
        with self._reading() as connection:
            rows = _hosts(connection, run.run, "name, status")
            return {name: _status(status) for name, status in rows}

    def _run(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> Run:
        *fields, counts, exit_code, interrupted, process, machine = row
        names = (
            "run", "started", "finished", "duration", "user", "sudo_user", "command", "task", "pattern",
            "name", "hosts",
        )  # fmt: skip
        return Run(
            **dict(zip(names, fields, strict=True)),
            counts=_counts(connection, row[0]) if counts is None else json.loads(counts),
            exit_code=exit_code,
            interrupted=interrupted,
            alive=row[2] is None and lives(process, machine),
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        try:
            yield self._connection
        except (sqlite3.Error, ValueError) as error:
            wrong = error if isinstance(error, sqlite3.Error) else sqlite3.DatabaseError(str(error))
            raise explained(wrong, self._file) from error


def _hosts(connection: sqlite3.Connection | None, run: int, columns: str) -> Iterator[tuple[Any, ...]]:
    if connection is not None:
        yield from connection.execute(
            f"SELECT {columns} FROM host WHERE id >= ? AND id < ? ORDER BY id",
            (host_id(run, 0), host_id(run + 1, 0)),
        )


def _conditions(query: Query) -> tuple[str, list[Any]]:
    found: list[tuple[str, Any]] = []
    if query.host is not None:
        found.append(("id IN (SELECT id >> 24 FROM host WHERE name GLOB ?)", query.host))
    if query.status is not None:
        # A run that ended has its counts; the hosts of others have to be asked.
        among = "'lost', 'running'" if query.status == "lost" else f"'{query.status}'"
        asked = "EXISTS (SELECT 1 FROM host WHERE host.id >= run.id << 24 AND host.id < (run.id + 1) << 24"
        counted = "json_extract(counts, '$.' || ?) > 0"
        found.append((f"coalesce({counted}, {asked} AND status IN ({among})))", query.status))
    if query.since is not None:
        found.append(("started >= ?", query.since))
    if query.command is not None:
        found.append(("instr(lower(command || ' ' || task), lower(?)) > 0", query.command))
    if query.name is not None:
        found.append(("name = ?", query.name))
    return " AND ".join(f"({condition})" for condition, _ in found) or "1", [value for _, value in found]


def _literal(name: str) -> str:
    """A glob that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _status(status: str) -> Status:
    # The worker took it up and nobody heard of it again.
    return "lost" if status == "running" else status  # type: ignore[return-value]  # we wrote it


def _counts(connection: sqlite3.Connection, run: int) -> dict[Status, int]:
    counts: dict[Status, int] = dict.fromkeys(STATUSES, 0)
    for (status,) in _hosts(connection, run, "status"):
        counts[_status(status)] += 1
    return counts


def _result(run: Run, name: str, status: str, since: float | None, record: bytes | None) -> HostResult:
    if record is not None:
        return unpacked(record)
    running = status == "running"
    return HostResult(
        ts=run.started if since is None else since,
        host=name,
        status=_status(status),
        still_running=running and run.alive,
        error=_why(run, running),
    )


def _why(run: Run, running: bool) -> ErrorInfo:
    if run.alive:
        return ErrorInfo("running", "the run goes on" if running else "the run has not come to this host yet")
    if running:
        return ErrorInfo(
            "lost",
            "the run was killed while this host's task ran",
            f"look at the host, then `hostpool rerun {run.run} --lost`",
        )
    return ErrorInfo(
        "not_run",
        "the run was killed before this host's turn",
        f"`hostpool rerun {run.run} --not-run` does the rest",
    )
