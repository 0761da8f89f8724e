"""Workers of the command line: forks of its own process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hostpool.pool.frames import Frames
from tests.farm import processes
from tests.farm.processes import wait_until
from tests.pool.conftest import local_inventory

ROOT = Path(__file__).parents[2]
POOL = """
import os, signal, sys
from hostpool.pool import forked
from hostpool.pool.early import PRELOAD, PRELOAD_ALL

os.set_inheritable(os.pipe()[1], True)  # what the caller had open is not for workers
assert forked.start([PRELOAD, PRELOAD_ALL])
from hostpool import Command, HostPool
from tests.farm.processes import descendants

with HostPool(sys.argv[1], workers=2) as pool:
    before, after = sys.argv[2:]
    if before == "kill the server":
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    print(pool.apply("h1", Command("cat; echo $$ >&2; ls /dev/fd | wc -l")).stdout.strip())
    (worker,) = pool.pids()
    if after == "kill the worker":
        os.kill(worker, signal.SIGKILL)
        print(pool.apply("h2", Command("echo again")).stdout.strip(), worker in pool.pids())
    print("multiprocessing" in sys.modules)
    print(*descendants(os.getpid()), flush=True)
    if after == "wait":
        sys.stdin.read()
"""

REPLACED = """
import os, signal, sys, time
from hostpool.pool import forked
from hostpool.pool.early import PRELOAD, PRELOAD_ALL

assert forked.start([PRELOAD, PRELOAD_ALL])
from hostpool import Command, HostPool


def files():
    names = (os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if entry.is_symlink())
    return sorted(name.partition(":[")[0] for name in names)


with HostPool(sys.argv[1], workers=1) as pool:
    for count in range(25):
        assert pool.apply("h1", Command("true")).status == "ok"
        (worker,) = pool.pids()
        if not count:
            before = files()
        os.kill(worker, signal.SIGKILL)
        while worker in pool.pids():
            time.sleep(0.01)
    assert pool.apply("h1", Command("true")).status == "ok"
    until = time.monotonic() + 30  # the thread of the last one closes its own
    while files() != before and time.monotonic() < until:
        time.sleep(0.1)
    print("none" if files() == before else files())
"""


@pytest.mark.parametrize("size", [0, 1, 1 << 14, (1 << 14) + 1, 5_000_000])
def test_frames_arrive_as_they_were_sent(size: int) -> None:
    ends = socket.socketpair()
    here, there = map(Frames, ends)
    data = os.urandom(size)

    def send() -> None:
        here.send_bytes(data)
        here.send_bytes(b"next")

    thread = threading.Thread(target=send)
    thread.start()
    assert (there.recv_bytes(), there.recv_bytes()) == (data, b"next")
    thread.join()
    here.close()
    with pytest.raises(EOFError):
        there.recv_bytes()
    there.close()


def test_a_frame_that_is_cut_off_is_the_end() -> None:
    here, end = socket.socketpair()
    there = Frames(end)
    here.sendall((10).to_bytes(8, "big") + b"half")
    here.close()
    with pytest.raises(EOFError):
        there.recv_bytes()
    there.close()


def start(tmp_path: Path, before: str = "", after: str = "") -> subprocess.Popen[str]:
    inventory = local_inventory(tmp_path / "two.ini", 2)
    return subprocess.Popen(
        [sys.executable, "-c", POOL, inventory, before, after],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_worker_has_neither_our_input_nor_our_files(tmp_path: Path) -> None:
    told, _ = start(tmp_path).communicate("not for hosts\n", timeout=100)
    files, multiprocessing, _ = told.splitlines()
    assert (files, multiprocessing) == ("4", "False")  # 0, 1, 2 and the directory itself


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    told, _ = start(tmp_path, after="kill the worker").communicate(timeout=100)
    assert told.splitlines()[1] == "again False"


def test_workers_that_are_replaced_leave_no_open_files(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "two.ini", 2)
    told = subprocess.run(
        [sys.executable, "-c", REPLACED, inventory],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert told.stdout == "none\n", told.stdout


def test_without_the_server_workers_come_from_another(tmp_path: Path) -> None:
    told, _ = start(tmp_path, before="kill the server").communicate(timeout=100)
    assert told.splitlines()[1] == "True"


def test_all_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = start(tmp_path, after="wait")
    assert parent.stdout is not None
    *_, last = [parent.stdout.readline() for _ in range(3)]
    children = [int(word) for word in last.split()]
    assert len(children) == 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not any(map(processes.command, children)), seconds=20, what="children end")


def test_none_outlives_a_parent_that_has_ended(tmp_path: Path) -> None:
    """Workers take leave of it before the kernel has taken back what they had: that is a moment."""
    told, _ = start(tmp_path).communicate(timeout=100)
    children = [int(word) for word in told.splitlines()[-1].split()]
    assert len(children) == 2
    wait_until(lambda: not any(map(processes.command, children)), seconds=10, what="children end")


LEFT = """
import os, signal, sys
from hostpool.pool import forked
from hostpool.pool.early import PRELOAD

forked.LINGER = float(sys.argv[2])
assert forked.start([PRELOAD])
from hostpool import Command, HostPool
from tests.farm.processes import descendants, wait_until

with HostPool(sys.argv[1], workers=2) as pool:
    assert {result.status for result in pool.map("all", Command("true"))} == {"ok"}
    workers = pool.pids()
if forked.LINGER < 1:
    wait_until(lambda: not set(workers) & set(descendants(os.getpid())), what="workers end by themselves")
    sys.exit()
children = descendants(os.getpid())
assert set(workers) < set(children) and len(children) == 3, "workers linger"
wait_until(lambda: {os.readlink(f"/proc/{pid}/fd/1") for pid in children} == {"/dev/null"})
for pid in children:
    os.kill(pid, signal.SIGSTOP)
print(*children)
"""


def test_workers_do_not_linger_for_good(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "two.ini", 2)
    subprocess.run([sys.executable, "-c", LEFT, inventory, "0.2"], cwd=ROOT, timeout=100, check=True)


def test_who_reads_our_output_does_not_wait_for_them(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "two.ini", 2)
    words = [sys.executable, "-c", LEFT, inventory, "600"]
    told = subprocess.run(words, cwd=ROOT, timeout=100, check=True, stdout=subprocess.PIPE, text=True)
    children = [int(word) for word in told.stdout.split()]
    assert len(children) == 3
    for pid in children:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not any(map(processes.command, children)), what="children end")


PREPARED = """
import sys
from hostpool.pool import early, forked

assert forked.start(["hostpool.worker.preload", "hostpool.worker.preload_all"])
import hostpool.tasks.modules.stat
from hostpool import HostPool
from tests.pool.initializers import Imported

assert "hostpool.tasks.modules.lineinfile" not in sys.modules
sys.modules["hostpool.tasks.modules.none_such"] = sys  # what cannot be imported there does no harm
early.prepare_alike("hostpool.tasks")
with HostPool(sys.argv[1], workers=2) as pool:
    told = [result.result for result in pool.map("all", Imported(("stat", "lineinfile")))]
print(told)
"""


def test_workers_are_forked_with_what_the_parent_imported(tmp_path: Path) -> None:
    inventory = local_inventory(tmp_path / "two.ini", 2)
    told = subprocess.run(
        [sys.executable, "-c", PREPARED, inventory],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert told.stdout == "[{'found': ['stat']}, {'found': ['stat']}]\n", told.stderr
