"""What is kept of a host's output, and what of it goes up as events."""

from __future__ import annotations

import multiprocessing
import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.alarms import Alarms
from hostpool.events import Output
from hostpool.messages import JobEvent, decode_up
from hostpool.worker.capture import HEAD, NEWEST_EVERY, Capture, Kept, Live
from hostpool.worker.clock import TaskClock
from hostpool.worker.outbox import Outbox
from hostpool.worker.reporter import Reporter


class Upward:
    """A real outbox on a real pipe, and what arrives at its other end."""

    def __init__(self) -> None:
        self.here, there = multiprocessing.Pipe()
        self.alarms = Alarms()
        self.outbox = Outbox(there)
        self.there = there
        clock = TaskClock(self.alarms, None, None, lambda reason: None)
        self.reporter = Reporter(1, self.outbox, self.alarms, clock)
        self.outputs: list[Output] = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        while True:
            try:
                messages = decode_up(self.here.recv_bytes())
            except EOFError:
                return
            for message in messages:
                if isinstance(message, JobEvent) and isinstance(message.event, Output):
                    self.outputs.append(message.event)

    def close(self) -> list[Output]:
        self.outbox.close()
        self.alarms.close()
        self.there.close()
        self.thread.join()
        self.here.close()
        return self.outputs


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 200))
def test_what_is_short_enough_is_kept_whole(pieces: list[bytes], limit: int) -> None:
    kept = Kept(limit)
    for piece in pieces:
        kept.feed(piece)
    data = b"".join(pieces)
    assert kept.total == len(data)
    assert kept.truncated == (len(data) > limit)
    if not kept.truncated:
        assert kept.bytes() == data
    else:
        head, _, tail = kept.bytes().partition(
            b"\n[hostpool: %d bytes left out here]\n" % (len(data) - limit)
        )
        assert head == data[: len(head)] and data.endswith(tail) and len(head) + len(tail) == limit


def test_a_long_stream_keeps_its_head_and_its_tail() -> None:
    kept = Kept(HEAD + 1000)
    for number in range(50_000):
        kept.feed(b"%09d\n" % number)
    data = kept.bytes()
    assert data.startswith(b"000000000\n") and data.endswith(b"000049999\n")
    assert kept.truncated and kept.total == 500_000 and len(data) < HEAD + 1100


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda text: text.encode())), st.data())
def test_events_carry_every_byte_and_never_split_a_character(data: bytes, draw: st.DataObject) -> None:
    upward = Upward()
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    live = Live("h", "stdout", True, upward.reporter)
    for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True):
        live.feed(data[a:b])
    live.close()
    outputs = upward.close()
    exact = b"".join(o.text.encode() if o.text_b64 is None else o.text_b64 for o in outputs)
    assert exact == data
    assert "".join(output.text for output in outputs) == data.decode("utf-8", "replace")


def test_without_a_listener_only_the_newest_line_goes_up_now_and_then() -> None:
    upward = Upward()
    capture = Capture("h", 1 << 20, True, False, upward.reporter)
    began = time.monotonic()
    for number in range(5000):
        capture.feed("stdout", b"line %d\n" % number)
    threading.Event().wait(0.5)
    capture.close()
    outputs = upward.close()
    assert 1 <= len(outputs) <= 2 + (time.monotonic() - began) / NEWEST_EVERY
    assert all(output.lossy for output in outputs)
    assert outputs[-1].text == "line 4999"
    assert capture.stdout.total == sum(len(b"line %d\n" % n) for n in range(5000))
