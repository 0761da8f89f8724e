"""Plays and tasks as a person follows them: a heading each, below it the hosts folded by outcome."""

from __future__ import annotations

import msgspec

from hostpool.events import PauseStarted, PlayStarted, TaskFinished, TaskStarted
from hostpool.results import GOOD, Status
from hostpool.views.fold import names
from hostpool.views.hunks import Hunks
from hostpool.views.neutralise import neutralise, one_line
from hostpool.views.options import ViewOptions
from hostpool.views.patches import Patches
from hostpool.views.words import STYLE, indented, seconds, status_word
from hostpool.views.writer import Writer

Outcome = tuple[Status, str, str]
"""Status, message, and the host where hosts are not joined."""


class Plays:
    """Writes a task's results when the next one begins; memory is bounded by one task's."""

    def __init__(self, options: ViewOptions, writer: Writer) -> None:
        self._options = options
        self._writer = writer
        self._headings: list[str] = []
        self._results: dict[Outcome, list[str]] = {}
        self._hunks = self._no_hunks()
        self._places: dict[str, int] = {}

    def handle(self, event: PlayStarted | TaskStarted | PauseStarted | TaskFinished) -> None:
        if isinstance(event, TaskFinished):
            self._add(event)
            return
        if isinstance(event, PauseStarted):
            self._pause(event)
            return
        self.flush()
        if isinstance(event, PlayStarted):
            for host in event.hosts:
                self._place(host)
            self._headings = [f"PLAY [{one_line(event.play)}]"]
        else:
            # In quiet mode a heading waits for a result worth showing.
            self._headings = [line for line in self._headings if line.startswith("PLAY")]
            self._headings.append(f"TASK [{one_line(event.task)}]")
        if not self._options.quiet:
            self._write_headings()

    def _pause(self, event: PauseStarted) -> None:
        if not self._options.quiet:
            prompt = indented(self._clean(event.prompt))
            self._writer.write("stderr", f"pausing for {seconds(event.seconds)}\n{prompt}")
            self._writer.flush()

    def _add(self, event: TaskFinished) -> None:
        quiet = self._options.quiet and event.status in ("ok", "changed", "skipped")
        if quiet and not (self._options.show_changed and event.status == "changed"):
            return
        key = (event.status, self._clean(_message(event)), "" if self._options.fold else event.host)
        self._results.setdefault(key, []).append(event.host)
        if event.diff:
            self._hunks.add(self._place(event.host), event.host, event.diff)

    def flush(self) -> None:
        """Writes what the current task has brought so far."""
        results, self._results = self._results, {}
        if not results:
            return
        self._write_headings()
        patches = Patches(self._hunks, self._writer, whole=not self._options.fold)
        for (status, message, _), hosts in results.items():
            hosts.sort(key=self._place)
            who = self._writer.paint(one_line(names(hosts)), "1")
            said = self._writer.paint(status_word(status), STYLE[status])
            diff = patches.of(hosts)
            self._writer.write("stderr", f"{who} {said}\n{diff}{indented(message)}")
        for text in patches.rest():
            self._writer.write("stderr", text)
        self._hunks.close()
        self._hunks = self._no_hunks()
        self._writer.flush()

    def close(self) -> None:
        self._hunks.close()

    def _no_hunks(self) -> Hunks:
        return Hunks(together=self._options.fold, text=self._clean)

    def _clean(self, text: str) -> str:
        return self._options.masker.mask(neutralise(text))

    def _place(self, host: str) -> int:
        """In the order of the play's hosts."""
        return self._places.setdefault(host, len(self._places))

    def _write_headings(self) -> None:
        headings, self._headings = self._headings, []
        self._writer.write("stderr", "".join(self._writer.paint(line, "1") + "\n" for line in headings))
        self._writer.flush()


def _message(event: TaskFinished) -> str:
    """Why it failed; for a task that did not, what it has to say."""
    result = event.result or {}
    parts = [result.get(key) for key in ("msg", "stderr", "stdout")] if event.status not in GOOD else []
    parts = parts or [result.get("msg")]
    texts = (part if isinstance(part, str) else msgspec.json.encode(part).decode() for part in parts if part)
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts)
