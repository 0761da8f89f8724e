"""The report of a run on many hosts: folded, bounded, quick."""

from __future__ import annotations

import resource
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.events import HostFinished, RunFinished, RunStarted
from hostpool.results import counts_of
from hostpool.secrets import Masker
from hostpool.views import make_view
from hostpool.views.mail import LINES, Paper, report


@settings(max_examples=100, deadline=None)
@given(st.text(), st.lists(st.text(max_size=20), max_size=3), st.lists(st.text("ab\x1b"), max_size=300))
def test_it_fits_a_mail(subject: str, facts: list[str], body: list[str]) -> None:
    text = report(subject, facts, body, "hostpool show 7")
    lines = text.split("\n")
    assert len(lines) - 1 <= LINES and "\x1b" not in lines[0]
    assert all(len(line.encode()) < 998 for line in lines[:1])
    if len(body) > LINES:
        assert lines[-2].endswith("more lines: hostpool show 7")


def test_two_thousand_hosts_in_a_second() -> None:
    hosts = tuple(f"web{n:04}" for n in range(2000))
    results = [
        HostFinished(
            ts=1.0, host=host, status="failed" if n % 10 == 0 else "ok", exit_code=3 if n % 10 == 0 else 0,
            stdout=f"line {n % 7}\n" * 40,
        )
        for n, host in enumerate(hosts)
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    paper = Paper()
    view = make_view("plain", paper.options(Masker(["correct-horse"])))
    view.handle(RunStarted(ts=1.0, run="1", hosts=hosts, task="t"))
    for result in results:
        view.handle(result)
    view.handle(RunFinished(ts=2.0, run="1", counts=counts_of(results), duration=1.0, exit_code=3))
    view.close()
    text = report("subject", [], paper.lines(), "rest")
    assert time.process_time() - began < 5
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 100 * 1024
    assert len(text.splitlines()) <= LINES
    assert "(29) failed, exit code 3" in text
