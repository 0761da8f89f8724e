"""Starts the fork server, which preloads the worker's imports: a worker is then a fork of a process that
has them (``Ready`` says whether that worked; the fork server itself keeps silent).

The command line forks itself (see forked), before it imports what only one of the two needs: both then
import side by side. Programs that make a HostPool get multiprocessing's own fork server, which is executed
with ``PYTHONSAFEPATH=1``: without it, a ``selectors.py`` in the current directory would run as ours.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

from hostpool.lean import without_packers
from hostpool.pool import forked

PRELOAD = "hostpool.worker.preload"
PRELOAD_ALL = "hostpool.worker.preload_all"
SHARED = (
    "hashlib",
    "pathlib",
    "pickle",
    "queue",
    "shlex",
    "hostpool.alarms",
    "hostpool.openssh.known_hosts",
    "hostpool.tasks.commands",
)
"""What a worker and the command line both import, once before they part: 50 ms that are not spent twice."""
SHARED_BY = {
    "facts": ("hostpool.tasks.facts",),
    "get": ("tempfile", "hostpool.tasks.fetch"),
    "play": ("tempfile", "hostpool.tasks.modules.job", "hostpool.tasks.modules.writing"),
    "put": ("tempfile", "hostpool.tasks.files"),
    "reboot": ("hostpool.tasks.reboot",),
    "sync": ("tempfile", "hostpool.tasks.files"),
}
"""What besides for one command: else each worker would import it when its first task comes."""
SAFE_PATH = "PYTHONSAFEPATH"
SAFE_PATH_IS_OURS = "HOSTPOOL_SAFE_PATH"
"""Set beside it when it was us, so that workers clear both and local commands see neither."""


LONGEST_TEMP = 70
"""Characters of a temporary directory in which a socket can still be named (108 in all on Linux, 104
elsewhere; the standard library adds 32)."""


def fork_early(command: str, *, everything: bool) -> None:
    """For a process that is ours alone. Not ``everything``: what only transfers need is imported by the
    worker that meets one."""
    gc.disable()  # nothing of what is imported ever becomes garbage
    with without_packers():
        for name in (*SHARED, *SHARED_BY.get(command, ())):
            importlib.import_module(name)
    gc.freeze()
    preload = [PRELOAD, PRELOAD_ALL] if everything else [PRELOAD]
    if not forked.start(preload):
        _start_forkserver(preload)
    gc.enable()


def prepare_alike(package: str) -> None:
    """What is imported of the package here by now, workers will need: their server imports it meanwhile, once
    for all of them, where else each would with its first task."""
    forked.prepare([name for name in list(sys.modules) if name.startswith(f"{package}.")])


def start_forkserver() -> None:
    """Starts one unless there is one already (then its preload is what its first user chose)."""
    if not forked.running():
        _start_forkserver([PRELOAD, PRELOAD_ALL])


def _start_forkserver(preload: list[str]) -> None:
    from multiprocessing import forkserver

    _keep_sockets_short()
    ours = SAFE_PATH not in os.environ
    if ours:
        os.environ[SAFE_PATH] = "1"
        os.environ[SAFE_PATH_IS_OURS] = "1"
    try:
        forkserver.set_forkserver_preload(preload)
        forkserver.ensure_running()
    finally:
        if ours:
            del os.environ[SAFE_PATH], os.environ[SAFE_PATH_IS_OURS]


def _keep_sockets_short() -> None:
    """The fork server listens on a socket in the temporary directory: with a long TMPDIR in /tmp."""
    import tempfile
    from multiprocessing import util

    if len(tempfile.gettempdir()) <= LONGEST_TEMP:
        return
    usual, tempfile.tempdir = tempfile.tempdir, "/tmp"
    try:
        util.get_temp_dir()  # made once and remembered
    finally:
        tempfile.tempdir = usual
