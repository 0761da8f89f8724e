"""``--outdir DIR``: each host's output in files of its own, byte by byte as it comes."""

from __future__ import annotations

import hashlib
import os
import re
from typing import BinaryIO

from hostpool.events import Event, HostFinished, Output, RunStarted, Stream
from hostpool.views.jsonl import encoded
from hostpool.views.options import Steady

_OPEN = 64
"""Files that are open at the same time; the one that waited longest is closed and appended to later."""
_LONGEST = 200
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.@:+=,-]")
_SUFFIXES = (".stdout", ".stderr", ".json")


class OutdirView(Steady):
    """``DIR/<host>.stdout``, ``.stderr`` and at the host's end ``.json``, its ``host_finished``. What an
    earlier run left of a selected host goes first. Files are 0600; OSError comes from ``handle``."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._open: dict[str, BinaryIO] = {}
        self._wrote: set[tuple[str, Stream]] = set()

    def handle(self, event: Event) -> None:
        if isinstance(event, Output):
            self._write(event.host, event.stream, event.text_b64 or _bytes(event.text))
        elif isinstance(event, HostFinished):
            self._finish(event)
        elif isinstance(event, RunStarted):
            os.makedirs(self._directory, mode=0o700, exist_ok=True)  # noqa: PTH103 -- as text
            for host in event.hosts:
                self._remove(host)

    def _remove(self, host: str) -> None:
        for suffix in _SUFFIXES:
            try:
                os.unlink(self._path(host, suffix))  # noqa: PTH108
            except FileNotFoundError:
                pass

    def _finish(self, event: HostFinished) -> None:
        results: tuple[tuple[Stream, str, bytes | None], ...] = (
            ("stdout", event.stdout, event.stdout_b64),
            ("stderr", event.stderr, event.stderr_b64),
        )
        for stream, text, raw in results:
            # What never came piece by piece (a module's own words) is written now.
            came = (event.host, stream) in self._wrote
            self._wrote.discard((event.host, stream))
            self._write(event.host, stream, b"" if came else raw or _bytes(text))
            self._shut(self._path(event.host, f".{stream}"))
        path = self._path(event.host, ".json")
        with self._opened(path) as file:
            file.write(encoded(event) + b"\n")

    def _write(self, host: str, stream: Stream, data: bytes) -> None:
        path = self._path(host, f".{stream}")
        file = self._open.pop(path, None)
        if file is None:
            while len(self._open) >= _OPEN:
                self._shut(next(iter(self._open)))
            file = self._opened(path)
        self._open[path] = file
        self._wrote.add((host, stream))
        file.write(data)

    def _path(self, host: str, suffix: str) -> str:
        return os.path.join(self._directory, file_name(host) + suffix)  # noqa: PTH118

    def _opened(self, path: str) -> BinaryIO:
        # Nobody who can write to DIR leads us elsewhere; unbuffered, so that `tail -f` sees it come.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0)

    def _shut(self, path: str) -> None:
        file = self._open.pop(path, None)
        if file is not None:
            file.close()

    def close(self) -> None:
        for path in list(self._open):
            self._shut(path)

    def discard(self) -> None:
        self.close()


def file_name(host: str) -> str:
    """A host's name as a file's, unlike that of any other host: what is unusual in it, a leading dot and
    ``%`` become ``%2F``-like; a very long one ends in a digest."""
    data = host.encode("utf-8", "surrogateescape")
    name = _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], data).decode("ascii")
    if name.startswith(".") or not name:
        name = f"%2E{name[1:]}"
    if len(name) > _LONGEST:
        name = f"{name[:150]}%{hashlib.sha256(data).hexdigest()[:16]}"
    return name


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
