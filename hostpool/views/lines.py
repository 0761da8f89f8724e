"""Puts the pieces of many hosts' output together to whole lines, for ``--stream``."""

from __future__ import annotations

from collections.abc import Iterator

from hostpool.events import Output, Stream

LONGEST = 64 * 1024
"""Characters; a line is broken there, so that a host that never ends one fills no memory."""


class Lines:
    """Whole lines without their ends; at most LONGEST characters a stream are kept back."""

    def __init__(self) -> None:
        self._rest: dict[tuple[str, Stream], str] = {}

    def feed(self, event: Output) -> list[str]:
        key = (event.host, event.stream)
        before = self._rest.pop(key, "")
        if event.lossy:
            # What stood between is missing: the old line ends here, and this one is whole.
            return [line for line in (before, event.text.rstrip("\n")) if line]
        *lines, rest = (before + event.text).split("\n")
        while len(rest) > LONGEST:
            lines.append(rest[:LONGEST])
            rest = rest[LONGEST:]
        if rest:
            self._rest[key] = rest
        return lines

    def end(self, host: str) -> Iterator[tuple[Stream, str]]:
        """The unended last lines of ``host``."""
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        for stream in streams:
            rest = self._rest.pop((host, stream), "")
            if rest:
                yield stream, rest

    def end_all(self) -> Iterator[tuple[str, Stream, str]]:
        for host in dict.fromkeys(host for host, _ in self._rest):
            for stream, line in self.end(host):
                yield host, stream, line
