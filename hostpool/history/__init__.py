"""The history: every run kept in SQLite, with what became of each of its hosts.

The `Recorder` is a Sink beside the views and independent of them. It never fails a run: what goes wrong
with it is one warning, and the rest of the run goes unrecorded.
"""

from __future__ import annotations

from hostpool.history.database import FILE_NAME, HistoryError
from hostpool.history.pruning import Limits, prune
from hostpool.history.reading import History, Query
from hostpool.history.recorder import Recorder
from hostpool.history.records import About, Run

__all__ = ["FILE_NAME", "About", "History", "HistoryError", "Limits", "Query", "Recorder", "Run", "prune"]
