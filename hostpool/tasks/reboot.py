"""Reboot a host and wait until it is really back: it answers, and says that it booted since."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from hostpool.errors import ErrorInfo, Lost, Unreachable
from hostpool.tasks.base import Effect, Moment, Outcome, Reconnect, Request, Run, RunReply, Sleep

TIMEOUT = 600.0
PAUSE = 1.0
LONGEST_PAUSE = 10.0

BOOT_ID = "cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime 2>/dev/null || who -b"
"""Linux; the BSDs and macOS; POSIX."""

REBOOT = (
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; "
    "if command -v shutdown >/dev/null 2>&1; then shutdown -r now; else reboot; fi"
)


class Reboot(msgspec.Struct, frozen=True):
    """changed once the host is back with another boot id, within ``timeout`` seconds of being told.

    ``command`` and ``boot_id_command`` are read by a POSIX sh on the host, ``command`` with ``args``. lost:
    it did not come back; failed: it would not go down. ``settle`` seconds pass before it is first asked;
    ``attempt``: no try to log in takes longer. ``foretold``: the result under --check.
    """

    command: str = REBOOT
    boot_id_command: str = BOOT_ID
    timeout: float = TIMEOUT
    args: tuple[str, ...] = ()
    settle: float = 0.0
    attempt: float | None = None
    foretold: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return "reboot"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        reply = yield from self._boot_id()
        before = _text(reply)
        if not before:
            return _failed("boot_id_unknown", "the host does not say when it booted: it was not rebooted",
                           "--boot-id-command names a command that prints something else after each boot",
                           reply)  # fmt: skip
        began = yield from Moment()
        try:
            said = yield from Run(
                effect=Effect.CHANGE,
                foretells=Outcome(status="changed", changed=True, result=self.foretold),
                program=self.command,
                args=self.args,
                live=False,
            )
        except Lost as error:
            if error.kind != "connection_lost":
                raise
        else:
            # A shell killed on the way down has a signal or no status at all.
            if said.exit_code:
                return _failed("reboot_refused", f"the reboot command exited with status {said.exit_code}",
                               "only root may reboot: -b/--become", said)  # fmt: skip
        if self.settle:
            yield from Sleep(seconds=self.settle)
        return (yield from self._back(before, began))

    def _back(self, before: str, began: float) -> Generator[Request[Any], Any, Outcome]:
        pause = PAUSE
        away: Exception | None = None
        while True:
            now = yield from Moment()
            left = began + self.timeout - now
            if left <= 0:
                break
            yield from Sleep(seconds=min(pause, left))
            try:
                within = max(0.0, left - pause)
                yield from Reconnect(within=min(within, self.attempt or within))
                reply = yield from self._boot_id()
            except (Unreachable, Lost) as error:
                if isinstance(error, Lost) and error.kind != "connection_lost":
                    raise
                away = error
                continue
            after = _text(reply)
            away = None
            pause = min(LONGEST_PAUSE, pause * 1.5)
            if after and after != before:
                now = yield from Moment()
                seconds = round(now - began, 1)
                return Outcome(
                    status="changed",
                    changed=True,
                    result={"boot_id": after, "boot_id_before": before, "seconds": seconds},
                )
        return self._gone(away)

    def _gone(self, away: Exception | None) -> Outcome:
        if away is None:
            return _failed("not_rebooted", f"still up with the same boot id after {self.timeout:g} s",
                           "shutdown waits for something (systemctl list-jobs), or needs longer: "
                           "--reboot-timeout")  # fmt: skip
        return Outcome(
            status="lost",
            error=ErrorInfo(
                "not_back",
                f"rebooted, and not back within {self.timeout:g} s: {away}",
                "look at its console; --reboot-timeout gives slow hardware more time",
            ),
        )

    def _boot_id(self) -> Run:
        return Run(effect=Effect.QUERY, program=self.boot_id_command, live=False)


def _text(reply: RunReply) -> str:
    return reply.stdout.decode("utf-8", "replace").strip() if reply.exit_code == 0 else ""


def _failed(kind: str, message: str, hint: str, reply: RunReply | None = None) -> Outcome:
    return Outcome(status="failed", changed=False, reply=reply, error=ErrorInfo(kind, message, hint))
