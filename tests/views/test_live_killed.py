"""Whatever ends the process, the terminal is as it was: killed between two frames, or by Ctrl-C."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.views.support import Terminal

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, time
from hostpool.events import HostStarted, RunStarted
from hostpool.views import ViewOptions, make_view
out, err = sys.stdout.buffer, sys.stderr.buffer
view = make_view("live", ViewOptions(out, err, color=True, environ={"TERM": "xterm"}))
try:
    view.handle(RunStarted(ts=time.time(), run="x", hosts=("web1", "web2"), task="sleep"))
    while True:
        view.handle(HostStarted(ts=time.time(), host="web1"))
        time.sleep(0.01)
except KeyboardInterrupt:
    pass
finally:
    view.close()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_terminal_is_left_sane(number: signal.Signals) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
        )
        terminal = Terminal()
        modes = set(terminal.screen.mode)
        end = time.monotonic() + 60
        while "running 1" not in "".join(terminal.screen.display):
            assert time.monotonic() < end
            terminal.write(os.read(ours, 65536))
        process.send_signal(number)
        process.wait(60)
        os.set_blocking(ours, False)
        while True:
            try:
                terminal.write(os.read(ours, 65536))
            except BlockingIOError:
                break
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(theirs)
        os.close(ours)
    assert not terminal.screen.cursor.hidden
    assert set(terminal.screen.mode) == modes
    if number == signal.SIGINT:
        lines = [line for line in terminal.lines() if line]
        assert lines[0].startswith("web1 lost")
        assert lines[-1] == "2 hosts: 1 lost, 1 not run; the run was broken off (run x)"
