"""``-o junit``: the run as a test report for CI, one test case a host.

The format is the one Jenkins and GitLab read (Ant's JUnitReport): failed and timeout are a ``failure``,
what left a host in an unknown state or untouched an ``error``, skipped and not run hosts ``skipped``.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from hostpool.events import Event, HostFinished, RunFinished, RunStarted, Warning
from hostpool.results import Status
from hostpool.views.neutralise import neutralise
from hostpool.views.notes import Notes
from hostpool.views.options import Steady, ViewOptions
from hostpool.views.reasons import TOLD
from hostpool.views.spool import Slot, Spool
from hostpool.views.words import outcome

ELEMENT: dict[Status, str] = {
    "failed": "failure",
    "timeout": "failure",
    "unreachable": "error",
    "lost": "error",
    "cancelled": "error",
    "not_run": "skipped",
    "skipped": "skipped",
}

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, even escaped (https://www.w3.org/TR/xml/#charsets)."""


class JunitView(Steady):
    """Writes one XML document at the end; test cases wait in a spool. Warnings go to stderr."""

    def __init__(self, options: ViewOptions) -> None:
        self._options = options
        self._spool = Spool()
        self._cases: dict[str, Slot | None] = {}
        self._elements: dict[str, int] = {}
        self._suite = "hostpool"
        self._notes = Notes()
        self._written = False

    def handle(self, event: Event) -> None:
        if isinstance(event, HostFinished):
            element = ELEMENT.get(event.status, "")
            self._elements[element] = self._elements.get(element, 0) + 1
            self._cases[event.host] = self._spool.put(_case(event, self._suite, element).encode())
        elif isinstance(event, RunStarted):
            self._suite = f"hostpool {event.task}"
            self._cases = {**dict.fromkeys(event.hosts), **self._cases}
        elif isinstance(event, Warning):
            self._warn(self._notes.add(event))
        elif isinstance(event, RunFinished):
            self._write(event.duration)

    def _write(self, duration: float) -> None:
        if self._written:
            return
        self._written = True
        for note in self._notes.rest():
            self._warn(note)
        slots = [slot for slot in self._cases.values() if slot is not None]
        numbers = f'tests="{len(slots)}"' + "".join(
            f' {plural}="{self._elements.get(element, 0)}"'
            for element, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
        )
        suite = f'<testsuite name={_attribute(self._suite)} {numbers} time="{duration:.3f}">\n'
        write = self._options.stdout.write
        write(b'<?xml version="1.0" encoding="UTF-8"?>\n' + suite.encode())
        for slot in slots:
            write(self._spool.get(slot))
        write(b"</testsuite>\n")
        self._options.stdout.flush()

    def _warn(self, text: str) -> None:
        if text:
            self._options.stderr.write(text.encode("utf-8", "backslashreplace"))
            self._options.stderr.flush()

    def close(self) -> None:
        try:
            self._write(0.0)
        finally:
            self._spool.close()

    def discard(self) -> None:
        self._spool.close()


def _case(result: HostFinished, suite: str, element: str) -> str:
    names = f"classname={_attribute(suite)} name={_attribute(result.host)}"
    lines = [f'<testcase {names} time="{result.duration:.3f}">']
    if element:
        told = result.error is None or result.error.kind in TOLD
        message = outcome(result) + ("" if result.error is None or told else f": {result.error.message}")
        hint = f"hint: {result.error.hint}" if result.error and result.error.hint else ""
        kind = "" if element == "skipped" else f' type="{result.status}"'
        lines.append(f"<{element} message={_attribute(message)}{kind}>{_content(hint)}</{element}>")
    lines += [
        f"<{name}>{_content(text)}</{name}>"
        for name, text in (("system-out", result.stdout), ("system-err", result.stderr))
        if text
    ]
    return "\n".join([*lines, "</testcase>"]) + "\n"


def _content(text: str) -> str:
    return escape(_ILLEGAL.sub("", neutralise(text)))


def _attribute(text: str) -> str:
    return quoteattr(_ILLEGAL.sub("", neutralise(text)))
