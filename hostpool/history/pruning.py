"""Forgets old runs, on demand and once a day at the end of a run."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec

from hostpool.history.database import explained, host_id, open_for_reading, open_for_writing

KEEP = 30 * 86400.0
MAX_SIZE = 1 << 30
_EVERY = 86400.0
_AT_ONCE = 50
"""Runs that are forgotten in one transaction: others want to write too."""


class Limits(msgspec.Struct, frozen=True):
    """Runs are kept for ``keep`` seconds, and the youngest of them in at most ``max_size`` bytes."""

    keep: float = KEEP
    max_size: int = MAX_SIZE


def prune(file: Path, limits: Limits) -> tuple[int, int]:
    """Forgets what is beyond the limits; returns how many runs, and the bytes of the file then.
    Raises HistoryError."""
    reading = open_for_reading(file)
    if reading is None:
        return 0, 0
    reading.close()
    connection = open_for_writing(file)
    try:
        return _prune(connection, limits, keep=None), _size(connection)
    except sqlite3.Error as error:
        raise explained(error, file) from error
    finally:
        connection.close()


def prune_when_due(connection: sqlite3.Connection, limits: Limits, *, keep: int) -> None:
    """Once a day, and whenever the file is too large; the run ``keep`` stays. Raises sqlite3.Error."""
    now = time.time()
    row = connection.execute("SELECT value FROM fact WHERE name = 'pruned'").fetchone()
    if row is not None and 0 <= now - row[0] < _EVERY and _size(connection) <= limits.max_size:
        return
    connection.execute("INSERT OR REPLACE INTO fact VALUES ('pruned', ?)", (now,))
    _prune(connection, limits, keep=keep)


def _prune(connection: sqlite3.Connection, limits: Limits, keep: int | None) -> int:
    oldest = time.time() - limits.keep
    forgotten = 0
    while runs := connection.execute(
        "SELECT id FROM run WHERE started < ? AND id IS NOT ? ORDER BY id LIMIT ?", (oldest, keep, _AT_ONCE)
    ).fetchall():
        forgotten += _forget(connection, [run for (run,) in runs])
    while _size(connection) > limits.max_size:
        runs = connection.execute(
            "SELECT id FROM run WHERE id IS NOT ? ORDER BY id"
            " LIMIT min(?, 1 + (SELECT count(*) FROM run) / 10)",
            (keep, _AT_ONCE),
        ).fetchall()
        if not runs:
            break
        forgotten += _forget(connection, [run for (run,) in runs])
    if forgotten:
        # execute() would take one step of it only, which gives back one page.
        connection.executescript("PRAGMA incremental_vacuum")
    return forgotten


def _forget(connection: sqlite3.Connection, runs: list[int]) -> int:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for run in runs:
            connection.execute(
                "DELETE FROM host WHERE id >= ? AND id < ?", (host_id(run, 0), host_id(run + 1, 0))
            )
            connection.execute("DELETE FROM step WHERE run = ?", (run,))
            connection.execute("DELETE FROM left_over WHERE run = ?", (run,))
            connection.execute("DELETE FROM run WHERE id = ?", (run,))
    return len(runs)


def _size(connection: sqlite3.Connection) -> int:
    """Bytes that are in use."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
