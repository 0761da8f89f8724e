"""ProxyCommand: a program whose standard input and output are the connection (ssh_config(5)).

paramiko's own never reports end of file, burns a core after the program's exit and leaves zombies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

from hostpool.errors import excerpt
from hostpool.ssh.wire import SocketWire

GOODBYE = 0.5  # seconds for the program to end by itself once its connection is closed
_KEPT = 2000


class ProxyProgram(SocketWire):
    """The program runs in /bin/sh and leads a process group. Raises OSError if it cannot start."""

    def __init__(self, command: str) -> None:
        import subprocess  # 2 ms of a start, which most have no use for

        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self._said = b""
        try:
            self._child = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._listener = threading.Thread(target=self._listen, name="hostpool-proxy", daemon=True)
        self._listener.start()

    def complaint(self) -> str:
        self._listener.join(0.2)  # the last words may come after the end of the connection
        lines = self._said.decode("utf-8", "replace").split("\n")
        return excerpt(" ".join(line.strip() for line in lines if line.strip()), end=True)

    def close(self) -> None:
        from subprocess import TimeoutExpired

        super().close()
        for number in (signal.SIGHUP, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            with contextlib.suppress(TimeoutExpired):
                self._child.wait(GOODBYE)
                break
        self._listener.join(GOODBYE)

    def _listen(self) -> None:
        """A program that nobody listens to would block; only its last words are kept."""
        assert self._child.stderr is not None
        with self._child.stderr as stderr:
            while piece := os.read(stderr.fileno(), 4096):
                self._said = (self._said + piece)[-_KEPT:]
