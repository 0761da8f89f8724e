"""Reboot as a pure generator: replies in, requests out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hostpool.errors import HostError, Lost, TaskFailed, Unreachable
from hostpool.tasks.base import Effect, Moment, Outcome, Reconnect, Request, Run, RunReply, Sleep
from hostpool.tasks.reboot import Reboot

BEFORE, AFTER = RunReply(exit_code=0, stdout=b"one\n"), RunReply(exit_code=0, stdout=b"two\n")
NO_ID = RunReply(exit_code=1)
BROKEN = Lost("broken", kind="connection_lost")
AWAY = Unreachable("connection refused by h:22", kind="refused", retryable=True)
DONE = RunReply(exit_code=0)
KILLED = RunReply(exit_code=None, signal="TERM")
Reply = RunReply | HostError


class Host:
    """``ids``: what it says about its boots, in turn; ``down``: what the reboot command gives; ``back``:
    what each attempt to reconnect gives, the last one for ever. Its clock runs while it is waited for."""

    def __init__(
        self, ids: list[Reply], down: Reply = BROKEN, back: list[HostError | None] | None = None
    ) -> None:
        self.ids, self.down, self.back = list(ids), down, list(back or [None])
        self.clock = 100.0
        self.asked: list[Request[Any]] = []

    def answer(self, request: Request[Any]) -> Any:
        self.asked.append(request)
        if isinstance(request, Moment):
            return self.clock
        if isinstance(request, Sleep):
            self.clock += request.seconds
            return None
        if isinstance(request, Reconnect):
            given = self.back.pop(0) if len(self.back) > 1 else self.back[0]
            self.clock += 0.1 if given is None else max(0.1, request.within)
            return given
        assert isinstance(request, Run) and not request.live
        if request.effect is Effect.CHANGE:
            return self.down
        return self.ids.pop(0) if len(self.ids) > 1 else self.ids[0]


def outcome(host: Host, task: Reboot) -> Outcome:
    steps = task.steps()
    try:
        request = next(steps)
        while True:
            assert len(host.asked) < 500
            reply = host.answer(request)
            request = steps.throw(reply) if isinstance(reply, HostError) else steps.send(reply)
    except StopIteration as end:
        result: Outcome = end.value
        return result


@pytest.mark.parametrize("down", [BROKEN, DONE, KILLED], ids=["broken", "done", "killed"])
def test_it_is_back_once_it_has_another_boot_id(down: Reply) -> None:
    host = Host([BEFORE, BEFORE, NO_ID, BROKEN, AFTER], down)
    ended = outcome(host, Reboot())
    assert (ended.status, ended.changed) == ("changed", True)
    assert ended.result is not None and ended.result["boot_id"] == "two"
    foretold = next(request.foretells for request in host.asked if request.effect is Effect.CHANGE)
    assert foretold is not None and (foretold.status, foretold.changed) == (ended.status, ended.changed)


@pytest.mark.parametrize(
    ("make", "status", "kind"),
    [
        (lambda: Host([NO_ID]), "failed", "boot_id_unknown"),
        (lambda: Host([RunReply(exit_code=0, stdout=b"\n")]), "failed", "boot_id_unknown"),
        (lambda: Host([BEFORE], RunReply(exit_code=1, stderr=b"must be root")), "failed", "reboot_refused"),
        (lambda: Host([BEFORE], DONE), "failed", "not_rebooted"),
        (lambda: Host([BEFORE], back=[AWAY]), "lost", "not_back"),
    ],
)  # fmt: skip
def test_what_can_go_wrong(make: Callable[[], Host], status: str, kind: str) -> None:
    host = make()
    ended = outcome(host, Reboot(timeout=60.0))
    assert ended.error is not None and (ended.status, ended.error.kind) == (status, kind)
    assert ended.error.hint
    assert host.clock - 100.0 <= 60.5
    changes = [request for request in host.asked if request.effect is Effect.CHANGE]
    assert len(changes) == (0 if kind == "boot_id_unknown" else 1)


def test_only_a_broken_connection_passes_for_a_reboot() -> None:
    """An unconfirmed kill, or a become that was refused, is no sign of going down."""
    for error in (Lost("killed", kind="kill_unconfirmed"), TaskFailed("no", kind="become_refused")):
        with pytest.raises(type(error)):
            outcome(Host([BEFORE], error), Reboot())
