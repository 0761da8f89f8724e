"""A session channel for one command: what comes in is queued, one condition wakes the job's thread.

The reader thread only ever appends and notifies; requests, window adjustments and CLOSE are sent by
the thread that uses the channel (RFC 4254 §5).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from paramiko.common import (
    cMSG_CHANNEL_CLOSE,
    cMSG_CHANNEL_DATA,
    cMSG_CHANNEL_EOF,
    cMSG_CHANNEL_REQUEST,
    cMSG_CHANNEL_WINDOW_ADJUST,
)
from paramiko.message import Message

from hostpool.events import Stream
from hostpool.ssh.packets import Data

if TYPE_CHECKING:
    from hostpool.ssh.transport import Transport

_PACKETS = 4
"""That are made ready together: a call of the kernel for each costs as much as sealing it."""
COOKED = b"\0"
RAW = (
    b"".join(bytes([opcode]) + bytes(4) for opcode in (36, 38, 50, 51, 53, 70)) + b"\0"
)  # ICRNL, IXON, ISIG, ICANON, ECHO, OPOST off (RFC 4254 §8): bytes pass as they are


class Channel:
    """States are plain attributes, true once and for all when set; read them after :meth:`wait`.

    ``opened``: confirmed; ``refusal``: (RFC 4254 §5.1 code, text) instead; ``eof``: no more output;
    ``closed``: the host closed it; ``dead``: the connection is gone; ``status`` and ``signal``: how
    the command ended; ``replies``: answers to requests, in the order they were asked (``asked`` counts).
    ``wanted``: the room in the window below which nobody is woken for more of it.
    """

    def __init__(self, transport: Transport, number: int, window: int) -> None:
        self.transport = transport
        self.number = number
        self.opened = False
        self.refusal: tuple[int, str] | None = None
        self.eof = False
        self.closed = False
        self.dead = False
        self.status: int | None = None
        self.signal: str | None = None
        self.replies: deque[bool] = deque()
        self.asked = 0
        self.window_out = 0
        self.wanted = 1
        self.round_trip = 0.0
        self._stirred = False
        self._other: Channel | None = None
        self._condition = threading.Condition()
        self._chunks: deque[tuple[Stream, bytes]] = deque()
        self._window_step = window // 8
        self._unadjusted = 0
        self._remote = 0
        self._packet = 0
        self._eof_sent = False
        self._close_sent = False
        self._opening_since = time.monotonic()

    @property
    def exited(self) -> bool:
        """The command is gone; its output may still be on its way."""
        return self.closed or self.status is not None or self.signal is not None

    @property
    def unread(self) -> bool:
        """Output has come since the last :meth:`wait`. False after ``eof`` or ``dead``: that was all."""
        return bool(self._chunks)

    # -- for the thread that uses it

    def wait(self, seconds: float | None) -> list[tuple[Stream, bytes]]:
        """Waits until anything happened since the last call, or :meth:`poke`; returns the output."""
        with self._condition:
            if not self._stirred and not self._chunks:
                self._condition.wait(seconds)
            self._stirred = False
            chunks = list(self._chunks)
            self._chunks.clear()
        return chunks

    def poke(self) -> None:
        """Ends a wait from any thread."""
        with self._condition:
            self._stirred = True
            self._condition.notify_all()

    def wait_for_window(self) -> None:
        """Waits until :meth:`send` can send, the channel is at its end, or :meth:`poke`. For a thread
        that writes while another one is in :meth:`wait`."""
        with self._condition:
            if not (self.window_out or self.closed or self.dead):
                self._condition.wait()

    def also_wakes(self, other: Channel) -> None:
        """From now on whoever waits on ``other`` hears of what happens here as well."""
        self._other = other
        other.poke()

    def consumed(self, size: int) -> None:
        """Makes room for ``size`` more bytes of output; until then the host has to wait."""
        self._unadjusted += size
        if self._unadjusted >= self._window_step and not (self.eof or self.closed or self.dead):
            m = self._message(cMSG_CHANNEL_WINDOW_ADJUST)
            m.add_int(self._unadjusted)
            self._unadjusted = 0
            self.transport.send(m)

    def request(self, kind: str, *fields: bytes | int, reply: bool = True) -> None:
        m = self._message(cMSG_CHANNEL_REQUEST)
        m.add_string(kind)
        m.add_boolean(reply)
        self.asked += reply
        for field in fields:
            if isinstance(field, int):
                m.add_int(field)
            else:
                m.add_string(field)
        self.transport.send(m)

    def send(self, data: bytes | memoryview) -> int:
        """Sends what the window and a few packets take, returns how much that was; never waits for room
        in the window."""
        with self._condition:
            size = min(len(data), self.window_out, _PACKETS * self._packet)
            self.window_out -= size
        if size:
            head = self._message(cMSG_CHANNEL_DATA).asbytes()
            self.transport.send(Data(head, data[:size], self._packet))
        return size

    def send_eof(self) -> None:
        if not (self._eof_sent or self._close_sent):
            self._eof_sent = True
            self.transport.send(self._message(cMSG_CHANNEL_EOF))

    def close(self) -> None:
        """Idempotent; frees the channel. Output that was not taken is dropped."""
        if self._close_sent or self.dead:
            return
        self._close_sent = True
        if self.opened:
            self.transport.send(self._message(cMSG_CHANNEL_CLOSE))
        if self.closed:
            self.transport.unlink(self.number)

    def _message(self, kind: bytes) -> Message:
        m = Message()
        m.add_byte(kind)
        m.add_int(self._remote)
        return m

    # -- for the reader thread, under the names paramiko's transport calls

    def wake(self) -> None:
        """Ends a wait; and that of the other channel."""
        self.poke()
        if self._other is not None:
            self._other.poke()

    def _stir(self) -> None:
        self._stirred = True
        self.transport.has_news(self)

    def _set_remote_channel(self, number: int, window: int, packet: int) -> None:
        with self._condition:
            self._remote = number
            self.window_out = window
            self._packet = max(1, min(packet, 1 << 20) - 64)
            self.round_trip = time.monotonic() - self._opening_since
            self.opened = True
            self._stir()

    def _refused(self, reason: int, text: str) -> None:
        with self._condition:
            self.refusal = (reason, text)
            self._stir()

    def _feed(self, m: Message) -> None:
        self._take("stdout", m.get_string())

    def _feed_extended(self, m: Message) -> None:
        code = m.get_int()
        if code == 1:
            self._take("stderr", m.get_string())

    def _take(self, stream: Stream, data: bytes) -> None:
        with self._condition:
            if not self._close_sent:
                self._chunks.append((stream, data))
                self._stir()

    def _window_adjust(self, m: Message) -> None:
        with self._condition:
            self.window_out += m.get_int()
            if self.window_out >= self.wanted:
                self._stir()

    def _request_success(self, m: Message) -> None:
        with self._condition:
            self.replies.append(True)
            self._stir()

    def _request_failed(self, m: Message) -> None:
        with self._condition:
            self.replies.append(False)
            self._stir()

    def _handle_request(self, m: Message) -> None:
        kind, _want_reply = m.get_string(), m.get_boolean()
        with self._condition:
            if kind == b"exit-status":
                self.status = m.get_int()
            elif kind == b"exit-signal":
                self.signal = m.get_string().decode("ascii", "replace")
            self._stir()

    def _handle_eof(self, m: Message) -> None:
        with self._condition:
            self.eof = True
            self._stir()

    def _handle_close(self, m: Message) -> None:
        with self._condition:
            self.eof = self.closed = True
            self._stir()
        if self._close_sent:
            self.transport.unlink(self.number)

    def _unlink(self) -> None:
        with self._condition:
            self.dead = True
        self.wake()
