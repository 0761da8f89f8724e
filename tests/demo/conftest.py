"""One fleet for the tests of this folder, and real clients for it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from hostpool.demo import Fleet
from hostpool.demo.layout import user_name


class Clients:
    """Clients of one fleet: OpenSSH's, and paramiko's for what OpenSSH's cannot do."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        found = re.findall(r"(\w+): \{ansible_port: (\d+)\}", fleet.inventory_path.read_text())
        self.ports = {name: int(port) for name, port in found}

    def options(self, host: str, port_letter: str = "-p", key: Path | None = None) -> list[str]:
        words = ("BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes")
        files = ("GlobalKnownHostsFile=/dev/null", f"UserKnownHostsFile={self.fleet.directory}/known_hosts")
        flags = [word for option in (*words, *files) for word in ("-o", option)]
        key = key or self.fleet.directory / "client_key"
        return ["-F", "/dev/null", "-i", str(key), *flags, port_letter, str(self.ports[host])]

    def ssh_argv(self, host: str, *words: str, flags: tuple[str, ...] = ()) -> list[str]:
        return ["ssh", *flags, *self.options(host), f"{user_name()}@127.0.0.1", "--", *words]

    def ssh(
        self, host: str, *words: str, stdin: bytes = b"", flags: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        argv = self.ssh_argv(host, *words, flags=flags)
        return subprocess.run(argv, input=stdin, capture_output=True, timeout=100)

    def sftp(self, host: str, batch: str) -> subprocess.CompletedProcess[str]:
        """Run the lines of ``batch`` with sftp(1)."""
        argv = ["sftp", "-b", "-", *self.options(host, "-P"), f"{user_name()}@127.0.0.1"]
        return subprocess.run(argv, input=batch, capture_output=True, text=True, timeout=100)

    def transport(self, host: str) -> paramiko.Transport:
        transport = paramiko.Transport(("127.0.0.1", self.ports[host]))
        key = paramiko.Ed25519Key.from_private_key_file(str(self.fleet.directory / "client_key"))
        transport.connect(username=user_name(), pkey=key)
        return transport

    def home(self, host: str) -> Path:
        return self.fleet.directory / "hosts" / host / "home"


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    with Fleet.start(12, seed=7) as fleet:
        yield Clients(fleet)
