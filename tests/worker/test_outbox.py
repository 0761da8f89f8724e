"""The one way up: bounded, flushed on demand, quiet when the parent is gone."""

from __future__ import annotations

import multiprocessing
import threading
import time

from hostpool.events import Output
from hostpool.messages import Began, JobEvent, decode_up
from hostpool.worker.outbox import LIMIT, Outbox
from tests.patience import promptly


def _output(size: int) -> JobEvent:
    return JobEvent(job_id=1, event=Output(ts=0.0, host="h", stream="stdout", text="x" * size))


def test_producers_wait_while_nobody_reads_and_go_on_when_somebody_does() -> None:
    here, there = multiprocessing.Pipe()
    outbox = Outbox(there)
    put = 0

    def produce() -> None:
        nonlocal put
        for _ in range(100):
            outbox.put(_output(100_000))
            put += 1

    producer = threading.Thread(target=produce)
    producer.start()
    time.sleep(0.5)
    assert put * 100_000 < LIMIT + 1_000_000 and producer.is_alive()
    with promptly():
        outbox.offer(_output(10))  # news that may be dropped is dropped, at once
    got = 0
    while got < 100:
        got += sum(isinstance(message, JobEvent) for message in decode_up(here.recv_bytes()))
    producer.join(10)
    assert put == 100
    outbox.close()
    there.close()
    here.close()


def test_flush_means_that_the_parent_can_read_it() -> None:
    here, there = multiprocessing.Pipe()
    outbox = Outbox(there)
    outbox.put(Began(job_id=7))
    outbox.flush()
    assert here.poll(0)
    assert decode_up(here.recv_bytes()) == [Began(job_id=7)]
    outbox.close()
    there.close()
    here.close()


def test_with_the_parent_gone_nothing_blocks() -> None:
    here, there = multiprocessing.Pipe()
    outbox = Outbox(there)
    here.close()
    for _ in range(50):
        outbox.put(_output(100_000))
    outbox.flush()
    outbox.close()
    there.close()
