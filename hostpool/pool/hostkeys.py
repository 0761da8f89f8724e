"""Host keys taken by accept-new are written by the parent alone, under a lock, once each."""

from __future__ import annotations

import threading
import time

from hostpool.errors import HostpoolError
from hostpool.events import Warning
from hostpool.messages import NewHostKey


class HostKeyWriter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: set[tuple[str, tuple[str, ...], bytes]] = set()

    def write(self, key: NewHostKey) -> Warning | None:
        """Appends the key to its file; a warning to show, None if it was written before."""
        from hostpool.openssh.known_hosts import append_line, fingerprint

        with self._lock:
            identity = (key.file, key.names, key.blob)
            if identity in self._written:
                return None
            self._written.add(identity)
            try:
                append_line(key.file, key.names, key.blob, hashed=key.hashed)
            except (OSError, HostpoolError) as error:
                return Warning(
                    ts=time.time(),
                    host=key.host,
                    message=f"its new host key was accepted but could not be written to {key.file}: {error}",
                    hint="it will count as unknown next time",
                )
        return Warning(
            ts=time.time(),
            host=key.host,
            message=f"new host key accepted: {fingerprint(key.blob)} for {', '.join(key.names)}",
        )
