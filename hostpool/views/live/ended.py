"""A host that ended, or ended its task, as one row of the table."""

from __future__ import annotations

from dataclasses import dataclass

from hostpool.events import HostFinished, TaskFinished
from hostpool.results import GOOD, Status
from hostpool.views.reasons import TOLD

TAIL = 400
"""Characters of output kept of each host."""


@dataclass(frozen=True, slots=True)
class Ended:
    host: str
    status: Status
    state: str
    duration: float
    text: str


def of_host(event: HostFinished) -> Ended:
    return Ended(event.host, event.status, _short(event), event.duration, _telling(event))


def of_task(event: TaskFinished, duration: float) -> Ended:
    result = event.result or {}
    keys = ("msg",) if event.status in GOOD else ("stderr", "stdout", "msg")
    texts = [text for key in keys if isinstance(text := result.get(key), str) and text.strip()]
    code = result.get("rc")
    state = f"exit {code}" if event.status == "failed" and isinstance(code, int) and code else event.status
    return Ended(event.host, event.status, state.replace("_", " ")[:11], duration, "".join(texts[:1])[-TAIL:])


def _short(event: HostFinished) -> str:
    """At most eleven characters."""
    if event.status == "failed" and event.signal:
        return f"SIG{event.signal}"[:11]
    if event.status == "failed" and event.exit_code is not None:
        return f"exit {event.exit_code}"[:11]
    return "would run" if event.would_run else event.status.replace("_", " ")


def _telling(event: HostFinished) -> str:
    """The piece of text that says most: of a failure its reason, else the newest output."""
    texts = [event.stdout, event.stderr]
    if not event.ok:
        texts.reverse()
        if event.error and event.error.kind not in TOLD:
            texts.insert(0, event.error.message)
    return next((text[-TAIL:] for text in texts if text.strip()), "")
