"""Starts the fork server before the parent imports anything: both then import side by side.

Stdlib only. The server is executed with ``PYTHONSAFEPATH=1``: without it, a ``selectors.py`` in the
current directory would run as ours. It preloads the worker's imports, so that a worker is a fork of
a process that has them (``Ready`` says whether that worked; the fork server itself keeps silent).
"""

from __future__ import annotations

import os
import tempfile
from multiprocessing import forkserver, util

PRELOAD = "hostpool.worker.preload"
PRELOAD_ALL = "hostpool.worker.preload_all"
SAFE_PATH = "PYTHONSAFEPATH"
SAFE_PATH_IS_OURS = "HOSTPOOL_SAFE_PATH"
"""Set beside it when it was us, so that workers clear both and local commands see neither."""


LONGEST_TEMP = 70
"""Characters of a temporary directory in which a socket can still be named (108 in all on Linux, 104
elsewhere; the standard library adds 32)."""


def start_forkserver(*, everything: bool = True) -> None:
    """Starts it unless it runs already (then its preload is what its first user chose). Not
    ``everything``: what only transfers need is imported by the worker that meets one."""
    _keep_sockets_short()
    ours = SAFE_PATH not in os.environ
    if ours:
        os.environ[SAFE_PATH] = "1"
        os.environ[SAFE_PATH_IS_OURS] = "1"
    try:
        forkserver.set_forkserver_preload([PRELOAD, PRELOAD_ALL] if everything else [PRELOAD])
        forkserver.ensure_running()
    finally:
        if ours:
            del os.environ[SAFE_PATH], os.environ[SAFE_PATH_IS_OURS]


def _keep_sockets_short() -> None:
    """The fork server listens on a socket in the temporary directory: with a long TMPDIR in /tmp."""
    if len(tempfile.gettempdir()) <= LONGEST_TEMP:
        return
    usual, tempfile.tempdir = tempfile.tempdir, "/tmp"
    try:
        util.get_temp_dir()  # made once and remembered
    finally:
        tempfile.tempdir = usual
