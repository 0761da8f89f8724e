"""What a worker keeps of local trees for the hosts of one task, and its answers to tasks.local."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from hostpool.events import Progress, Stream
from hostpool.sync.tree import Tree
from hostpool.tasks.base import Intake, Request
from hostpool.tasks.local import (
    Accept,
    Digests,
    Pack,
    Receive,
    Scan,
    SftpApply,
    SftpFetch,
    SftpFind,
    SftpList,
    SftpSums,
    Standing,
    Sums,
    Texts,
)
from hostpool.tasks.session import Consumer, Session
from hostpool.worker import over_sftp
from hostpool.worker.packs import PackSource, digest, read_steadily
from hostpool.worker.receive import Receiver, standing, sums
from hostpool.worker.reporter import Reporter
from hostpool.worker.scan import scan
from hostpool.worker.spool import Spool

_EVERY = 0.2
"""Seconds between two reports of progress."""


class _Kept:
    """Of one task."""

    def __init__(self, key: str) -> None:
        self.lock = threading.Lock()
        self.tree: Tree | None = None
        self.spool = Spool(key)
        self.digests: dict[int, str] = {}
        self.sums: dict[int, str] = {}


class Transfers:
    """One per worker. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def perform(self, request: Request[Any], host: str, reporter: Reporter) -> Any:
        """Raises TaskFailed, or TypeError for what is not a request of tasks.local."""
        if isinstance(request, Scan):
            return self._scan(request)
        if isinstance(request, Digests):
            return self._digests(request)
        if isinstance(request, Texts):
            return dict(_texts(request))
        if isinstance(request, Pack):
            kept = self._of(request.key)
            return PackSource(kept.spool, request, kept.sums, _progress(host, reporter))
        if isinstance(request, Standing):
            return standing(request, host)
        if isinstance(request, Sums):
            return sums(request.path)
        if isinstance(request, Receive):
            return Receiver(request, host)
        if isinstance(request, Accept):
            assert isinstance(request.receiver, Receiver)
            return request.receiver.finish(request)
        raise TypeError(f"a request that no driver knows: {type(request).__name__}")

    def over_sftp_only(self, request: Request[Any]) -> bool:
        """Whether it is :meth:`over_sftp`'s."""
        return isinstance(request, SftpList | SftpSums | SftpApply | SftpFind | SftpFetch)

    def over_sftp(
        self,
        request: Request[Any],
        session: Session,
        check: Callable[[], None],
        host: str,
        reporter: Reporter,
    ) -> Any:
        """Raises Unreachable where there is no SFTP."""
        client = session.sftp(check)
        try:
            return over_sftp.perform(request, client, _progress(host, reporter))
        finally:
            client.close()

    def close(self) -> None:
        with self._lock:
            for kept in self._kept.values():
                kept.spool.close()
            self._kept.clear()

    def _of(self, key: str) -> _Kept:
        with self._lock:
            return self._kept.setdefault(key, _Kept(key))

    def _scan(self, request: Scan) -> Tree:
        kept = self._of(request.key)
        with kept.lock:
            if kept.tree is None:
                kept.tree = scan(request)
            return kept.tree

    def _digests(self, request: Digests) -> dict[int, str]:
        kept = self._of(request.key)
        found = {}
        for number in request.numbers:
            with kept.lock:
                if number not in kept.digests:
                    try:
                        kept.digests[number] = digest(request.tree.source(number))
                    except OSError:
                        continue  # it differs then, and packing it says why it cannot be read
                found[number] = kept.digests[number]
        return found


def _texts(request: Texts) -> Iterable[tuple[int, bytes]]:
    for number in request.numbers:
        try:
            data, _ = read_steadily(request.tree.source(number), request.limit)
        except OSError:
            continue
        if data is not None:
            yield number, data


def _progress(host: str, reporter: Reporter) -> Callable[[int, int], None]:
    """What is through at once is not told of: its end is news enough."""
    told, due = False, time.monotonic() + _EVERY

    def sent(done: int, total: int) -> None:
        nonlocal told, due
        now = time.monotonic()
        if now >= due or (told and done == total):
            told, due = True, now + _EVERY
            reporter.clock.heard()
            reporter.optional(Progress(ts=time.time(), host=host, done=done, total=total, unit="bytes"))

    return sent


class Diverted:
    """A Consumer that hands standard output to a request's intake, the rest to ``other``."""

    def __init__(self, intake: Intake, other: Consumer, reporter: Reporter) -> None:
        self._intake = intake
        self._other = other
        self._reporter = reporter

    def feed(self, stream: Stream, data: bytes) -> None:
        if stream == "stdout":
            self._reporter.clock.heard()
            self._intake.feed(data)
        else:
            self._other.feed(stream, data)
