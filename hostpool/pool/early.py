"""Starts the fork server before the parent imports anything: both then import side by side.

Stdlib only. The server is executed with ``PYTHONSAFEPATH=1``: without it, a ``selectors.py`` in the
current directory would run as ours. It preloads the worker's imports, so that a worker is a fork of
a process that has them (``Ready`` says whether that worked; the fork server itself keeps silent).
"""

from __future__ import annotations

import os
from multiprocessing import forkserver

PRELOAD = "hostpool.worker.preload"
SAFE_PATH = "PYTHONSAFEPATH"
SAFE_PATH_IS_OURS = "HOSTPOOL_SAFE_PATH"
"""Set beside it when it was us, so that workers clear both and local commands see neither."""


def start_forkserver() -> None:
    """Starts it unless it runs already (then its preload is what its first user chose)."""
    ours = SAFE_PATH not in os.environ
    if ours:
        os.environ[SAFE_PATH] = "1"
        os.environ[SAFE_PATH_IS_OURS] = "1"
    try:
        forkserver.set_forkserver_preload([PRELOAD])
        forkserver.ensure_running()
    finally:
        if ours:
            del os.environ[SAFE_PATH], os.environ[SAFE_PATH_IS_OURS]
