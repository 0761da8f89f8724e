"""The database file: where it is opened, made, and brought up to date.

Write-ahead logging, so that readers and the one writer do not wait for each other; ``user_version``
counts the layouts. The file and its companions are 0600, their directory 0700 if it is made here.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostpool.errors import UsageError

FILE_NAME = "history.sqlite3"
BUSY_SECONDS = 10.0
"""How long one statement waits for another run's writes."""

_LAYOUTS = (
    """
    CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started REAL NOT NULL,
        finished REAL,
        duration REAL,
        user TEXT NOT NULL,
        sudo_user TEXT,
        machine TEXT NOT NULL,
        process TEXT NOT NULL,
        command TEXT NOT NULL,
        task TEXT NOT NULL,
        pattern TEXT NOT NULL,
        name TEXT,
        again BLOB,
        hosts INTEGER NOT NULL,
        counts TEXT,
        exit_code INTEGER,
        interrupted TEXT
    );
    CREATE INDEX run_name ON run (name);
    -- id is run << 24 | place, so that the hosts of a run stand together, in inventory order.
    CREATE TABLE host (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        since REAL,
        record BLOB
    );
    CREATE INDEX host_name ON host (name);
    CREATE TABLE fact (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    """,
    # The plays and tasks of a playbook, one event each, in their order.
    """
    CREATE TABLE step (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE INDEX step_run ON step (run);
    """,
    # Where the hosts of a playbook stood when it ended, for a rerun: one compressed document.
    "CREATE TABLE left_over (run INTEGER PRIMARY KEY, record BLOB NOT NULL);",
    # Nothing new, but a record of ``step`` may hold several events from here on.
    "",
)
"""What leads from each layout to the next; entries are never changed once released."""

VERSION = len(_LAYOUTS)
PLACES = 1 << 24
"""Hosts a run may have."""


class HistoryError(UsageError):
    """The history cannot be read or written. A run goes on without it."""

    kind = "history"


def host_id(run: int, place: int) -> int:
    return run * PLACES + place


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Makes file and directory where they are missing. Raises HistoryError."""
    with _explained(file):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = _connect(f"{file.absolute().as_uri()}?mode=rw")
        try:
            if _version(connection, file) < VERSION:
                _migrate(connection, file)
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(file: Path) -> sqlite3.Connection | None:
    """None when nothing was ever written. Raises HistoryError."""
    with _explained(file):
        if not file.exists() or file.stat().st_size == 0:
            return None
        connection = _connect(f"{file.absolute().as_uri()}?mode=ro")
        try:
            version = _version(connection, file)
        except BaseException:
            connection.close()
            raise
        if version == VERSION:
            return connection
        connection.close()
        if version == 0:
            return None
    open_for_writing(file).close()  # brings an older layout up to date
    return open_for_reading(file)


def _connect(uri: str) -> sqlite3.Connection:
    # One thread at a time uses it, but not always the same one.
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _version(connection: sqlite3.Connection, file: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise HistoryError(
            f"the history was written by a newer hostpool (layout {version}, this one knows {VERSION})",
            file=str(file),
            hint="upgrade hostpool here too, or give this one its own HOSTPOOL_STATE_DIR",
        )
    return version


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    with _alone(file):
        version = _version(connection, file)
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
        for number in range(version, VERSION):
            connection.executescript(
                f"BEGIN IMMEDIATE; {_LAYOUTS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            )


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Changing the journal's mode does not wait for others by itself (sqlite.org/wal.html)."""
    lock = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise explained(error, file) from error


def explained(error: OSError | sqlite3.Error, file: Path) -> HistoryError:
    """What is wrong with the file, and what to do about it."""
    if isinstance(error, OSError):
        where = error.filename or str(file)
        return HistoryError(
            f"the history cannot be opened: {error.strerror}",
            file=str(where),
            hint="HOSTPOOL_STATE_DIR names another directory; --no-history does without",
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return HistoryError(
            f"the history is damaged: {error}",
            file=str(file),
            hint=f"move it away, a new one is begun: mv {file} {file}.damaged; "
            f"`sqlite3 {file}.damaged .recover` may save what was in it",
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return HistoryError(
            f"the history cannot be written: {error}",
            file=str(file),
            hint="is the disk full? `hostpool history prune --max-size 100M` makes room",
        )
    return HistoryError(f"the history cannot be used: {error}", file=str(file))
