"""The processes that hosts run just now, so that none is left and none starts at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable

Process = subprocess.Popen[bytes]


class Running:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[Process] = set()
        self._ending = False

    def start(self, spawn: Callable[[], Process]) -> Process:
        """Spawn and remember. Raises OSError, also once ``end`` was called."""
        with self._lock:
            if self._ending:
                raise OSError("the fleet is ending")
            process = spawn()
            self._processes.add(process)
            return process

    def forget(self, process: Process) -> None:
        with self._lock:
            self._processes.discard(process)

    def end(self) -> None:
        with self._lock:
            self._ending = True
            for process in self._processes:
                signal_group(process, signal.SIGKILL)


def signal_group(process: Process, number: signal.Signals) -> None:
    """Signal the process group that ``process`` leads, unless it has been reaped."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, number)
        except OSError:
            pass
