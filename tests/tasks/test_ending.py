"""The program that ends what a connection runs: it must never take anybody else's processes for its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.tasks.ending import ending
from tests.farm.processes import alive, wait_until
from tests.patience import AMPLE

MINE = "10.0.0.1 40000 10.0.0.2 22"
OTHER = "10.0.0.1 40001 10.0.0.2 22"

# A server with one process for all of its connections. Says the pids of its children, then runs the program.
SERVER = """
start() { env SSH_CONNECTION="$1" setsid sleep 600 & echo $!; }
for connection in "$@"; do start "$connection"; done > "$PIDS"
while [ ! -e "$GO" ]; do sleep 0.05; done
SSH_CONNECTION="$MINE" /bin/sh "$PROGRAM" &
wait $!
echo $? > "$STATUS"
"""


class Server:
    """The shell above, with a sleep for each of ``connections``."""

    def __init__(self, directory: Path, *connections: str) -> None:
        self.directory = directory
        names = {name: str(directory / name.lower()) for name in ("PIDS", "GO", "STATUS", "PROGRAM")}
        (directory / "program").write_text(ending(None, 0.5).program or "")
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", SERVER, "server", *connections],
            env={**os.environ, **names, "MINE": MINE},
            start_new_session=True,
        )
        pids = directory / "pids"
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == len(connections), seconds=AMPLE)
        self.children = [int(pid) for pid in pids.read_text().split()]
        wait_until(self._sleeping, seconds=AMPLE)

    def _sleeping(self) -> bool:
        return all(Path(f"/proc/{pid}/comm").read_text() == "sleep\n" for pid in self.children)

    def status(self) -> int:
        """Exit status of the program, run as a child of the server."""
        (self.directory / "go").touch()
        self.process.wait(AMPLE)
        return int((self.directory / "status").read_text())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pid in self.children:
            if alive(pid):
                os.kill(pid, 9)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Server]]:
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.close()


def test_all_of_this_connection_end(tmp_path: Path, started: list[Server]) -> None:
    server = Server(tmp_path, MINE, MINE)
    started.append(server)
    assert server.status() == 0
    assert not any(map(alive, server.children))


def test_nothing_ends_where_the_parent_is_not_of_this_connection_alone(
    tmp_path: Path, started: list[Server]
) -> None:
    server = Server(tmp_path, MINE, OTHER)
    started.append(server)
    assert server.status() == 125
    assert all(map(alive, server.children))


@pytest.mark.needs_root
def test_nothing_ends_when_the_server_is_gone_and_process_1_the_parent(tmp_path: Path) -> None:
    """In a PID namespace, for it would otherwise be the machine's process 1, whose children are all."""
    program = tmp_path / "program"
    status = tmp_path / "status"
    program.write_text(f"trap 'echo $? > {status}' EXIT\n{ending(None, 0.5).program}")
    script = f"""
setsid sleep 600 & bystander=$!
# the server, which is gone before its child starts
( ( sleep 0.3; export SSH_CONNECTION="{MINE}"; exec /bin/sh {program} ) & )
while [ ! -s {status} ]; do sleep 0.05; done
kill -0 $bystander && echo lives
"""
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=AMPLE,
    )
    assert done.stdout == "lives\n", done
    assert status.read_text() == "125\n"
