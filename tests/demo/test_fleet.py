"""Start and end: nothing is left, whatever ends first."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hostpool.demo import Fleet, leftovers
from hostpool.errors import UsageError
from tests.demo.conftest import Clients
from tests.farm import alive, processes, wait_until


def daemon(clients: Clients, host: str = "web1") -> int:
    """Start a process on a host that leaves its session."""
    return int(clients.ssh(host, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!").stdout)


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_stop_leaves_nothing() -> None:
    fleet = Fleet.start(3)
    clients = Clients(fleet)
    pid = daemon(clients)
    argv = clients.ssh_argv("web1", "sleep 1000")
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as client:
        wait_until(lambda: len(processes.descendants(fleet.pid)) >= 1)
        fleet.stop()
        assert client.wait(60) == 255
    assert not alive(pid) and not alive(fleet.pid)
    assert not fleet.directory.exists()
    assert all(map(refuses, clients.ports.values()))
    fleet.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_signals_end_it(number: signal.Signals) -> None:
    with Fleet.start(2) as fleet:
        pid = daemon(Clients(fleet))
        assert not fleet.wait(0.01)
        os.kill(fleet.pid, number)
        assert fleet.wait(60)
        if number is not signal.SIGKILL:
            assert not fleet.directory.exists() and not alive(pid)
    assert not fleet.directory.exists() and not alive(pid)


def test_it_does_not_outlive_its_parent() -> None:
    code = """
import time
from hostpool.demo import Fleet
fleet = Fleet.start(2)
print(fleet.pid, fleet.inventory_path, flush=True)
time.sleep(1000)
"""
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])},
    ) as parent:
        assert parent.stdout is not None
        pid, inventory = parent.stdout.readline().split()
        assert alive(int(pid)) and Path(inventory).exists()
        parent.kill()
    wait_until(lambda: not alive(int(pid)) and not Path(inventory).parent.exists(), what="the fleet ended")


def test_loopback_only(clients: Clients) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {int(row[1][9:], 16): row[1][:8] for row in rows if row[3] == "0A"}
    ours = {port for name, port in clients.ports.items() if name != "mail1"}
    assert {listening.get(port) for port in ours} == {"0100007F"}


def test_files_are_private(clients: Clients) -> None:
    assert stat.S_IMODE(clients.fleet.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((clients.fleet.directory / "client_key").stat().st_mode) == 0o600


def test_inventory(clients: Clients) -> None:
    everything = yaml.safe_load(clients.fleet.inventory_path.read_text())["all"]
    assert tuple(everything["hosts"]) == clients.fleet.hosts
    assert set(everything["children"]) == {"web", "app", "db", "cache", "lb", "mail", "prod", "staging"}
    assert list(everything["children"]["web"]["hosts"]) == ["web1", "web2", "web3", "web4"]
    assert everything["vars"]["ansible_host"] == "127.0.0.1"
    assert Path(everything["vars"]["ansible_ssh_private_key_file"]).exists()
    assert everything["vars"]["ansible_ssh_common_args"].startswith("-o UserKnownHostsFile=/")


def test_200_hosts_and_no_paramiko_in_the_parent() -> None:
    code = """
import sys
from hostpool.demo import Fleet
with Fleet.start(200, quirks=False) as fleet:
    print(len(fleet.hosts))
assert not {"paramiko", "cryptography", "rich"} & set(sys.modules)
"""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stderr == ""
    assert done.stdout == "200\n"


def test_nothing_of_the_current_directory_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "selectors.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    with Fleet.start(12) as fleet:
        assert len(fleet.hosts) == 12


def test_errors_are_ours() -> None:
    with pytest.raises(UsageError, match="1 to 200 hosts, not 0"):
        Fleet.start(0)


def test_markers_find_nothing_else() -> None:
    assert leftovers.marked("no-such-fleet") == []
    assert leftovers.kill_marked("no-such-fleet")
