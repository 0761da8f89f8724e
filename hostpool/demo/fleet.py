"""The fleet as its user sees it: started, used through an inventory, stopped. No paramiko here."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import hostpool
from hostpool.demo import leftovers
from hostpool.demo.company import company
from hostpool.errors import HostpoolError, UsageError

START_LIMIT = 20.0
STOP_LIMIT = 5.0


class Fleet:
    """A running fleet. Commands sent to it are really executed: here, as the current user.

    ``inventory_path`` is a YAML inventory that names keys and known_hosts too; it and everything else
    of the fleet lie in ``directory``. ``hosts`` are the names, in the inventory's order. The fleet ends
    with ``stop()``, and by itself when its parent dies; its directory and whatever its hosts started go
    with it. It listens on 127.0.0.1 only and lets in nothing but the key in its directory.
    """

    def __init__(self, process: subprocess.Popen[bytes], marker: str, ready: dict[str, str]) -> None:
        self._process = process
        self._marker = marker
        self.directory = Path(ready["directory"])
        self.inventory_path = Path(ready["inventory"])
        self.hosts = tuple(ready["hosts"].split())
        self.pid = process.pid

    @classmethod
    def start(cls, hosts: int = 12, *, seed: int | None = None, quirks: bool = True) -> Fleet:
        """Start ``hosts`` hosts (1 to 200); returns when all of them listen.

        The same ``seed`` gives the same uptimes, disks and so on. ``quirks``: one of the dozen is slow,
        one fails every command, one is unreachable. Raises UsageError for a number out of bounds,
        HostpoolError if the fleet cannot start.
        """
        try:
            company(hosts)
        except ValueError as error:
            raise UsageError(str(error), hint="choose another number with -n HOSTS") from None
        marker = secrets.token_hex(8)
        order = json.dumps({"hosts": hosts, "seed": seed, "quirks": quirks, "marker": marker})
        process = subprocess.Popen(
            [sys.executable, "-m", "hostpool.demo.server", order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is its parent's to interpret
        )
        try:
            ready = _first_line(process)
        except BaseException:
            _end(process)
            raise
        return cls(process, marker, ready)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the fleet has ended, at most ``timeout`` seconds; whether it has."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the fleet and remove its directory. Idempotent."""
        _end(self._process)
        leftovers.kill_marked(self._marker)  # only a fleet that was killed leaves anything
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _environment() -> dict[str, str]:
    """Ours, with this very hostpool in front on the path and nothing from the current directory."""
    here = str(Path(hostpool.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """What the fleet says first: where it is, or why it is not."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_LIMIT
    said = b""
    while not said.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise HostpoolError(f"the demo fleet was not ready within {START_LIMIT:g} s", kind="demo")
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            raise HostpoolError(f"the demo fleet ended at its start, exit {process.wait()}", kind="demo")
        said += chunk
    ready: dict[str, str] = json.loads(said)
    if "error" in ready:
        raise HostpoolError(f"the demo fleet cannot start: {ready['error']}", kind="demo")
    return ready


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
