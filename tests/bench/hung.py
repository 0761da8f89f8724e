"""Healthy hosts alone and beside hosts that hang: ``python -m tests.bench.hung [rounds]``.

200 healthy hosts (one sshd on this machine) and 300 that take the connection and say nothing, all in flight
at once. What counts is when the last healthy host has its result; rounds are interleaved and the medians
compared. The aim is at most 20 % more.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hostpool.events import RunStarted, from_json
from hostpool.results import HostResult
from tests.farm import Sshd

ROOT = Path(__file__).parents[2]
HEALTHY, HUNG = 200, 300
PATIENCE = 5.0


@contextlib.contextmanager
def silent() -> Iterator[tuple[str, int]]:
    """The kernel takes connections, nobody ever reads them: a hung host that costs this machine nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * HUNG) as server:
        yield server.getsockname()


def inventories(sshd: Sshd, place: tuple[str, int], directory: Path) -> tuple[Path, Path]:
    """The healthy ones alone, and with hung ones before and between them."""
    alone = sshd.inventory(HEALTHY, directory / "alone.ini")
    lines = alone.read_text().splitlines()
    hung = [f"x{n} ansible_host={place[0]} ansible_port={place[1]}" for n in range(HUNG)]
    beside = directory / "beside.ini"
    mixed = [lines[0], *hung[:HEALTHY]]
    for number, line in enumerate(lines[1:]):
        mixed += [line, *hung[HEALTHY + number : HEALTHY + number + 1]]
    beside.write_text("\n".join(mixed) + "\n")
    return alone, beside


def healthy_seconds(inventory: Path, fanout: int, home: Path) -> float:
    """From the run's start to the last healthy host's result. Raises AssertionError unless each host ends
    as it must, the hung ones in their time."""
    done = subprocess.run(
        [
            sys.executable, "-m", "hostpool", "run", "-i", str(inventory), "-F", "none", "-f", str(fanout),
            "-T", str(PATIENCE), "--retries", "0", "-o", "jsonl", "all", "true",
        ],
        capture_output=True, text=True, timeout=100, start_new_session=True,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "HOSTPOOL_SYSLOG": "off",
             "SSH_AUTH_SOCK": ""},
    )  # fmt: skip
    events = [from_json(line) for line in done.stdout.splitlines()]
    began = next(event.ts for event in events if isinstance(event, RunStarted))
    results = [event for event in events if isinstance(event, HostResult)]
    healthy = [result for result in results if not result.host.startswith("x")]
    assert len(healthy) == HEALTHY and all(result.ok for result in healthy)
    for result in results:
        if result.host.startswith("x"):
            assert result.status == "unreachable" and result.duration < PATIENCE + 1.0, result
    return max(result.ts for result in healthy) - began


def measure(rounds: int) -> tuple[float, float]:
    """Median seconds alone and beside hung ones."""
    with tempfile.TemporaryDirectory() as directory, Sshd() as sshd, silent() as place:
        home = Path(directory)
        alone, beside = inventories(sshd, place, home)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            times[0].append(healthy_seconds(alone, HEALTHY, home))
            times[1].append(healthy_seconds(beside, HEALTHY + HUNG, home))
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    alone, beside = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    print(f"{HEALTHY} healthy hosts alone {alone:.2f} s, beside {HUNG} hung ones {beside:.2f} s")
    print(f"{(beside / alone - 1) * 100:+.0f} %")
