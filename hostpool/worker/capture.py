"""A host's output: what is kept of it, counted, and passed on as it comes."""

from __future__ import annotations

import codecs
import threading
import time
from collections import deque

from hostpool.events import Output, Stream
from hostpool.results import LEFT_OUT
from hostpool.worker.reporter import Reporter

HEAD = 64 * 1024
NEWEST_EVERY = 0.25
"""Seconds between two newest lines, where not all output is asked for."""


class Kept:
    """The first 64 KiB and the last ``limit - 64 KiB`` bytes of a stream, and its length."""

    def __init__(self, limit: int) -> None:
        self._head_limit = min(HEAD, limit)
        self._tail_limit = max(0, limit - HEAD)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.total = 0

    def feed(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data and self._tail_limit:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= self._tail_limit:
                self._tail_size -= len(self._tail.popleft())

    @property
    def truncated(self) -> bool:
        return self.total > self._head_limit + self._tail_limit

    def bytes(self) -> bytes:
        """What is kept; where something is missing between, a line of ours says how much."""
        tail = b"".join(self._tail)
        if not self.truncated:
            return bytes(self._head) + tail
        tail = tail[-self._tail_limit :] if self._tail_limit else b""
        missing = self.total - len(self._head) - len(tail)
        return bytes(self._head) + LEFT_OUT.format(missing).encode() + tail


class Live:
    """One stream as events: all of it, or now and then its newest line."""

    def __init__(self, host: str, stream: Stream, everything: bool, reporter: Reporter) -> None:
        self._host = host
        self._stream = stream
        self._everything = everything
        self._reporter = reporter
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._lock = threading.Lock()
        self._newest = b""
        self._due = 0.0
        self._scheduled = False

    def feed(self, data: bytes) -> None:
        if self._everything:
            self._send_all(data, final=False)
        else:
            self._note_newest(data)

    def close(self) -> None:
        if self._everything:
            self._send_all(b"", final=True)
        else:
            self._newest = b""

    def _send_all(self, data: bytes, final: bool) -> None:
        pending = self._decoder.getstate()[0]
        exact: bytes | None = None
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError:
            text, exact, rest = _decode_lossy(pending + data, final)
            self._decoder.setstate((rest, 0))
        if text:
            self._reporter.event(
                Output(ts=time.time(), host=self._host, stream=self._stream, text=text, text_b64=exact)
            )

    def _note_newest(self, data: bytes) -> None:
        line = data[-512:].rstrip().rsplit(b"\n", 1)[-1].rsplit(b"\r", 1)[-1]
        if not line:
            return
        with self._lock:
            self._newest = line
            if self._scheduled:
                return
            now = time.monotonic()
            if now < self._due:
                self._scheduled = True
                self._reporter.alarms.at(self._due, self._show_newest_late)
                return
        self._show_newest()

    def _show_newest_late(self) -> None:
        with self._lock:
            self._scheduled = False
        self._show_newest()

    def _show_newest(self) -> None:
        with self._lock:
            line, self._newest = self._newest, b""
            self._due = time.monotonic() + NEWEST_EVERY
        if line:
            self._reporter.optional(
                Output(
                    ts=time.time(),
                    host=self._host,
                    stream=self._stream,
                    text=line.decode("utf-8", "replace"),
                    lossy=True,
                )
            )


def _decode_lossy(data: bytes, final: bool) -> tuple[str, bytes, bytes]:
    """Text with U+FFFD, the bytes it stands for, and the beginning of a character at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final)
    rest = decoder.getstate()[0]
    return text, data[: len(data) - len(rest)], rest


class Capture:
    """The driver's Consumer for one command."""

    def __init__(self, host: str, limit: int, live: bool, everything: bool, reporter: Reporter) -> None:
        self._reporter = reporter
        self.stdout = Kept(limit)
        self.stderr = Kept(limit)
        self._kept: dict[Stream, Kept] = {"stdout": self.stdout, "stderr": self.stderr}
        self._live: dict[Stream, Live] = (
            {stream: Live(host, stream, everything, reporter) for stream in ("stdout", "stderr")}
            if live
            else {}
        )

    def feed(self, stream: Stream, data: bytes) -> None:
        self._reporter.clock.heard()
        self._kept[stream].feed(data)
        live = self._live.get(stream)
        if live is not None:
            live.feed(data)

    def close(self) -> None:
        """The command ended: what was kept back of a character goes out."""
        for live in self._live.values():
            live.close()
