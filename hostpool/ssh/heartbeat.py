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
            self._asked += 1
            self._asked_at = time.monotonic()
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
                seen = self._transport.packetizer.packets_in
                self._alarm = self._alarms.after(self.patience, lambda: self._judge(seen))

    def close(self) -> None:
        with self._lock:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    def _judge(self, seen: int) -> None:
        with self._lock:
            self._alarm = None
        if self._transport.ended.is_set():
            return
        unanswered = self._answers < self._asked
        stuck = self._transport.wire.stuck_for() >= self.patience * 0.9
        if (unanswered or stuck) and self._transport.packetizer.packets_in == seen:
            self.dead = True
            self._transport.kill()
        elif unanswered or self._transport.wire.stuck_for():
            self.watch()

    def _heard(self, m: Message) -> None:
        self._answers += 1
        self._transport.stir()
