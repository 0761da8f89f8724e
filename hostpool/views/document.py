"""``-o json``: one document about the whole run, in inventory order."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hostpool.events import Event, HostFinished, RunFinished, RunStarted, Warning
from hostpool.results import counts_of
from hostpool.views.jsonl import encoded
from hostpool.views.notes import Notes
from hostpool.views.options import Steady, ViewOptions
from hostpool.views.spool import Slot, Spool


class DocumentView(Steady):
    """``{run, hosts: {name: host_finished}, counts, exit_code}``; ``exit_code`` is null for a run that
    was broken off. Warnings go to stderr. Results wait in a spool: memory is flat."""

    def __init__(self, options: ViewOptions) -> None:
        self._options = options
        self._spool = Spool()
        self._hosts: dict[str, Slot | None] = {}
        self._counts = counts_of([])
        self._run: str | None = None
        self._notes = Notes()
        self._written = False

    def handle(self, event: Event) -> None:
        if isinstance(event, HostFinished):
            self._counts[event.status] += 1
            self._hosts[event.host] = self._spool.put(encoded(event))
        elif isinstance(event, RunStarted):
            self._run = event.run
            self._hosts = {**dict.fromkeys(event.hosts), **self._hosts}
        elif isinstance(event, Warning):
            self._warn(self._notes.add(event))
        elif isinstance(event, RunFinished):
            self._run = self._run or event.run
            self._write(event.exit_code)

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
        yield b'\n},"counts":%s,"exit_code":%s}\n' % (counts, msgspec.json.encode(exit_code))

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
