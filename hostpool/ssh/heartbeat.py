"""Is the other end still there? Asked by whoever waits for it, judged by an alarm.

paramiko's keepalives never notice a dead peer. Here the thread that waits for a command asks
(keepalive@openssh.com, which every server answers), and when a question, or a write that got stuck,
has gone without any packet from the host, the connection is ended: at the latest ``interval * count``
seconds after the host was last heard, as ssh_config's ServerAlive settings have it. While our own side
is busy elsewhere nothing is asked, so our own slowness is never held against a host.
"""

from __future__ import annotations

import threading
import time

from paramiko.common import MSG_REQUEST_FAILURE, MSG_REQUEST_SUCCESS
from paramiko.message import Message

from hostpool.alarms import Alarm, Alarms
from hostpool.ssh.transport import Transport

_NEVER = 3600.0


class Heartbeat:
    """``interval`` 0 asks nothing (ServerAliveInterval 0)."""

    def __init__(self, alarms: Alarms, transport: Transport, interval: float, count: int) -> None:
        self.dead = False
        self._alarms = alarms
        self._transport = transport
        self._period = interval if count > 1 else interval / 2
        self.patience = interval * max(count, 1) - self._period
        self._lock = threading.Lock()
        self._asked = 0
        self._answers = 0
        self._asked_at = 0.0
        self._unanswered_since = 0.0
        self._alarm: Alarm | None = None
        table = transport._handler_table
        table[MSG_REQUEST_SUCCESS] = table[MSG_REQUEST_FAILURE] = self._heard

    def due(self) -> float:
        """Seconds until :meth:`ask` has something to do."""
        if not self._period:
            return _NEVER
        last = max(self._transport.packetizer.heard_at, self._asked_at)
        return max(0.0, last + self._period - time.monotonic())

    def ask(self) -> None:
        """Asks if nothing was heard or asked for a period."""
        if self._period and self.due() == 0:
            self.probe()

    def probe(self) -> int:
        """Asks now; the number is what :meth:`answered` takes."""
        with self._lock:
            self._asked_at = time.monotonic()
            if self._answers == self._asked:
                self._unanswered_since = self._asked_at
            self._asked += 1
            number = self._asked
        self.watch()
        self._transport.ask_alive()
        return number

    def answered(self, number: int) -> bool:
        return self._answers >= number

    def watch(self) -> None:
        """To be called before anything that may block on the host: the alarm looks after it."""
        with self._lock:
            if self._alarm is None and self._period:
                self._arm(time.monotonic() + self.patience)

    def close(self) -> None:
        with self._lock:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    def _arm(self, moment: float) -> None:
        self._alarm = self._alarms.at(moment, lambda: self._judge(moment))

    def _judge(self, moment: float) -> None:
        with self._lock:
            self._alarm = None
            now = time.monotonic()
            since = self._waiting_since(now)
            if since is None or self._transport.ended.is_set():
                return
            due = max(self._transport.packetizer.heard_at + self._period, since) + self.patience
            if now < due:
                self._arm(due)
            elif now - moment > self._period:  # we were asleep: what was answered is not read yet
                self._arm(now + self._period)
            else:
                self.dead = True
        if self.dead:
            self._transport.kill()

    def _waiting_since(self, now: float) -> float | None:
        """Since when something of ours has waited for the host: a question, or a write that is stuck."""
        stuck = self._transport.wire.stuck_for()
        waits = [now - stuck] if stuck else []
        if self._answers < self._asked:
            waits.append(self._unanswered_since)
        return min(waits, default=None)

    def _heard(self, m: Message) -> None:
        self._answers += 1
        self._transport.stir()
