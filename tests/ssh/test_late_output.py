"""Output that a slow sshd sends long after the exit status.

While keys are renewed sshd reads no output of commands, but their exit status stands ready. On a machine with
much to do it may then come half a second before the output; here strace makes sshd that slow.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from paramiko.common import MSG_KEXINIT

from hostpool.ssh import SSHContext
from hostpool.tasks.session import Exit
from tests.farm import Sshd, wait_until
from tests.ssh.helpers import Output, command, connected, run, target_for

pytestmark = pytest.mark.needs_root
SIZE = 60_000  # a pipe holds it
SLOW = "inject=write:delay_exit=600000"  # microseconds


class Slowed:
    """A process each of whose writes takes 0.6 s."""

    def __init__(self, pid: int, log: Path) -> None:
        words = ["strace", "-qq", "-p", str(pid), "-e", "trace=write", "-e", SLOW, "-o", str(log)]
        self._tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self._tracer.poll() is not None or _traced(pid), seconds=20, what="strace")
        if self._tracer.poll() is not None:
            assert self._tracer.stderr is not None
            pytest.skip(f"no process can be traced here: {self._tracer.stderr.read().strip()}")

    def __enter__(self) -> Slowed:
        return self

    def __exit__(self, *error: object) -> None:
        self._tracer.terminate()
        self._tracer.communicate()


def _traced(pid: int) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def test_it_is_waited_for(context: SSHContext, tmp_path: Path) -> None:
    assert shutil.which("strace"), "tests need strace: apt-get install strace"
    go, done = tmp_path / "go", tmp_path / "done"
    text = f"until [ -e {go} ]; do sleep 0.1; done; head -c {SIZE} /dev/zero; touch {done}"
    ended: list[tuple[Exit, Output]] = []
    with Sshd() as server, connected(context, target_for(server)) as session:
        sshd = int(run(session, command("echo $PPID"))[1].stdout)
        transport: Any = session.transport  # type: ignore[attr-defined]  # of the SSH session
        renew, may = transport._handler_table[MSG_KEXINIT], threading.Event()
        transport._handler_table = {
            **transport._handler_table, MSG_KEXINIT: lambda m: (may.wait(60), renew(m)),
        }  # fmt: skip
        thread = threading.Thread(target=lambda: ended.append(run(session, command(text))))
        thread.start()
        time.sleep(0.5)
        transport._send_kex_init()
        go.touch()
        wait_until(done.exists, seconds=20)
        time.sleep(0.5)  # sshd notices the end
        with Slowed(sshd, tmp_path / "log"):
            may.set()
            thread.join(60)
    ((end, output),) = ended
    assert (end.exit_code, end.held_open, len(output.stdout)) == (0, False, SIZE)
