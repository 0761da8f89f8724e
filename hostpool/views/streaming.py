"""``--stream``: ``host: line`` as it comes, whole lines only."""

from __future__ import annotations

import msgspec

from hostpool.events import HostFinished, Output, Stream
from hostpool.views.lines import Lines
from hostpool.views.neutralise import neutralise, one_line
from hostpool.views.options import ViewOptions
from hostpool.views.writer import Writer

STDERR = "31"
"""SGR of the lines that hosts wrote to stderr."""


class Streaming:
    """A host's stdout goes to ours, its stderr to ours."""

    def __init__(self, options: ViewOptions, writer: Writer) -> None:
        self._options = options
        self._writer = writer
        self._lines = Lines()

    def output(self, event: Output) -> None:
        for line in self._lines.feed(event):
            self._line(event.host, event.stream, line)

    def finished(self, result: HostFinished) -> HostFinished:
        """Completes the host's last lines; returns the result without the output that was shown."""
        for stream, line in self._lines.end(result.host):
            self._line(result.host, stream, line)
        return msgspec.structs.replace(result, stdout="", stderr="", stdout_b64=None, stderr_b64=None)

    def end(self) -> None:
        for host, stream, line in self._lines.end_all():
            self._line(host, stream, line)

    def _line(self, host: str, stream: Stream, line: str) -> None:
        text = self._options.masker.mask(neutralise(line.removesuffix("\r")))
        prefix = "" if self._options.no_prefix else self._writer.paint(one_line(host), "1") + ": "
        text = self._writer.paint(text, STDERR) if stream == "stderr" else text
        self._writer.write(stream, f"{prefix}{text}\n")
