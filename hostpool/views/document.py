"""``-o json``: one document about the whole run, in inventory order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hostpool.events import (
    Event,
    HostFinished,
    PlayStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    Warning,
)
from hostpool.results import counts_of
from hostpool.views.jsonl import encoded
from hostpool.views.notes import Notes
from hostpool.views.options import Steady, ViewOptions
from hostpool.views.recap import recap_of
from hostpool.views.spool import Slot, Spool


@dataclass
class _Play:
    name: str
    hosts: tuple[str, ...]
    tasks: list[tuple[str, dict[str, Slot]]] = field(default_factory=list)


class DocumentView(Steady):
    """``{run, hosts: {name: host_finished}, counts, exit_code}``; ``exit_code`` is null for a run that
    was broken off. For playbooks also ``plays`` (a list of {play, hosts, tasks: [{task, hosts: {name:
    {status, changed, diff, result}}}]}), ``recap``, and ``stats`` if set_stats gathered any. Warnings go
    to stderr. Results wait in a spool: memory is flat."""

    def __init__(self, options: ViewOptions) -> None:
        self._options = options
        self._spool = Spool()
        self._hosts: dict[str, Slot | None] = {}
        self._counts = counts_of([])
        self._run: str | None = None
        self._notes = Notes()
        self._plays: list[_Play] = []
        self._recap: dict[str, dict[str, int]] = {}
        self._written = False
        self._stats: dict[str, Any] = {}

    def handle(self, event: Event) -> None:
        if isinstance(event, HostFinished):
            self._counts[event.status] += 1
            self._hosts[event.host] = self._spool.put(encoded(event))
            counts = recap_of(event)
            if counts is not None:
                self._recap[event.host] = counts
        elif isinstance(event, PlayStarted | TaskStarted | TaskFinished):
            self._play(event)
        elif isinstance(event, RunStarted):
            self._run = event.run
            self._hosts = {**dict.fromkeys(event.hosts), **self._hosts}
        elif isinstance(event, Warning):
            self._warn(self._notes.add(event))
        elif isinstance(event, RunFinished):
            self._run = self._run or event.run
            self._stats = event.stats or {}
            self._write(event.exit_code)

    def _play(self, event: PlayStarted | TaskStarted | TaskFinished) -> None:
        if isinstance(event, PlayStarted):
            self._plays.append(_Play(event.play, event.hosts))
        elif self._plays and isinstance(event, TaskStarted):
            self._plays[-1].tasks.append((event.task, {}))
        elif self._plays and isinstance(event, TaskFinished):
            tasks = self._plays[-1].tasks
            # With the free strategy hosts are at several tasks at once.
            hosts = next((hosts for task, hosts in reversed(tasks) if task == event.task), None)
            if hosts is None:
                hosts = {}
                tasks.append((event.task, hosts))
            what = {
                "status": event.status,
                "changed": event.changed,
                "diff": event.diff,
                "result": event.result,
            }
            hosts[event.host] = self._spool.put(msgspec.json.encode(what))

    def _write(self, exit_code: int | None) -> None:
        if self._written:
            return
        self._written = True
        for note in self._notes.rest():
            self._warn(note)
        for piece in self._pieces(exit_code):
            self._options.stdout.write(piece)
        self._options.stdout.flush()

    def _pieces(self, exit_code: int | None) -> Iterator[bytes]:
        yield b'{"run":%s,"hosts":{' % msgspec.json.encode(self._run)
        between = b"\n"
        for host, slot in self._hosts.items():
            if slot is not None:
                yield b"%s%s:%s" % (between, _name(host), self._spool.get(slot))
                between = b",\n"
        counts = msgspec.json.encode(self._counts)
        yield b"\n}"
        if self._plays:
            yield from self._of_plays()
        yield b',"counts":%s,"exit_code":%s}\n' % (counts, msgspec.json.encode(exit_code))

    def _of_plays(self) -> Iterator[bytes]:
        yield b',"plays":['
        for number, play in enumerate(self._plays):
            names = msgspec.json.encode([host.encode("utf-8", "replace").decode() for host in play.hosts])
            yield b'%s\n{"play":%s,"hosts":%s,"tasks":[' % (b"," if number else b"", _name(play.name), names)
            for position, (task, hosts) in enumerate(play.tasks):
                yield b'%s\n{"task":%s,"hosts":{' % (b"," if position else b"", _name(task))
                between = b""
                for host, slot in hosts.items():
                    yield b"%s%s:%s" % (between, _name(host), self._spool.get(slot))
                    between = b","
                yield b"}}"
            yield b"]}"
        yield b'],"recap":%s' % msgspec.json.encode(self._recap)
        if self._stats:
            yield b',"stats":%s' % msgspec.json.encode(self._stats)

    def _warn(self, text: str) -> None:
        if text:
            self._options.stderr.write(text.encode("utf-8", "backslashreplace"))
            self._options.stderr.flush()

    def close(self) -> None:
        try:
            self._write(None)
        finally:
            self._spool.close()

    def discard(self) -> None:
        self._spool.close()


def _name(host: str) -> bytes:
    return msgspec.json.encode(host.encode("utf-8", "replace").decode())
