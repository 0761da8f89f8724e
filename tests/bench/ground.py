"""Where the benchmark runs: one sshd, a throw-away user, and every tool's own files to reach it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.farm import Sshd
from tests.farm.accounts import ThrowAwayUser

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
METER = Path(__file__).parent / "meter.py"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Of one command, in seconds. ``cpu``: of the client, all its processes; ``server``: of sshd and what
    ran in its sessions. Only where they were watched: ``memory`` in bytes, ``trips`` (waits for the link,
    per host).
    """

    wall: float
    cpu: float
    main_cpu: float
    server: float
    memory: int | None
    files: int | None
    first: float | None
    last: float | None
    count: int
    trips: float | None = None


class Failed(RuntimeError):
    """A command ended as it must not; the text has its last words."""


class Ground:
    """``home`` is HOME of all clients; ``stay`` is the user's, for what is sent: in memory where there is
    a tmpfs, since otherwise the disk decides how long a tree takes."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hostpool-bench-"))
        self.directory.chmod(0o755)
        self.home = self.directory / "client"
        self.home.mkdir()
        memory = Path("/dev/shm")
        place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
        self.hosts = Path(tempfile.mkdtemp(prefix="hostpool-bench-", dir=place))
        self.hosts.chmod(0o755)
        self.account = ThrowAwayUser() if os.geteuid() == 0 else None
        try:
            self.sshd = Sshd(log_level="ERROR", max_startups="10000")
        except BaseException:
            self._remove()
            raise
        if self.account is not None:
            self.sshd.user = self.account.name
        self.stay = self.hosts / "bench"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sshd.stop()
        self._remove()

    def _remove(self) -> None:
        if self.account is not None:
            self.account.stop()
        for place in (self.directory, self.hosts):
            shutil.rmtree(place, ignore_errors=True)

    def wipe(self) -> None:
        """An empty directory of the user's on the hosts."""
        shutil.rmtree(self.stay, ignore_errors=True)
        self.stay.mkdir()
        if self.account is not None:
            os.chown(self.stay, self.account.uid, self.account.gid)

    def kex(self) -> tuple[str, str]:
        """Key exchange and cipher that hostpool and this server agree on."""
        from hostpool.ssh.algorithms import CIPHERS, KEX
        from hostpool.ssh.transport import Transport

        config = self.sshd.directory / "sshd_config.0"
        told = subprocess.run(
            ["/usr/sbin/sshd", "-T", "-f", config], capture_output=True, text=True, check=True
        ).stdout
        theirs = dict(line.split(" ", 1) for line in told.splitlines() if " " in line)
        ours = Transport.supported()
        kex = next(k for k in KEX if k in ours.kex and k in theirs["kexalgorithms"].split(","))
        cipher = next(c for c in CIPHERS if c in ours.ciphers and c in theirs["ciphers"].split(","))
        return kex, cipher

    # -- each tool's files -----------------------------------------------------------------------------

    def ssh_config(self, port: int, *, same: bool) -> Path:
        """For OpenSSH's client; ``same``: with the key exchange and the cipher that hostpool uses."""
        path = self.directory / f"ssh_config.{port}{'.same' if same else ''}"
        if not path.exists():
            lines = [
                f"Port {port}",
                f"User {self.sshd.user}",
                f"IdentityFile {self.sshd.client_key}",
                "IdentitiesOnly yes",
                "IdentityAgent none",
                "BatchMode yes",
                "StrictHostKeyChecking yes",
                "GlobalKnownHostsFile /dev/null",
                f"UserKnownHostsFile {self.known_hosts(port)}",
            ]
            if same:
                kex, cipher = self.kex()
                lines += [f"KexAlgorithms {kex}", f"Ciphers {cipher}"]
            path.write_text("\n".join(lines) + "\n")
        return path

    def known_hosts(self, port: int) -> Path:
        """The server's key under that port, whoever listens there in front of it."""
        path = self.directory / f"known_hosts.{port}"
        text = self.sshd.known_hosts.read_text().replace(f"]:{self.sshd.port} ", f"]:{port} ")
        path.write_text(text)
        return path

    def hosts_file(self, hosts: int) -> Path:
        """One address a line (pssh, pdsh, clush)."""
        path = self.directory / f"hosts.{hosts}"
        path.write_text("\n".join(self.sshd.addresses(hosts)) + "\n")
        return path

    def inventory(self, hosts: int, port: int) -> Path:
        """Ansible's and ours."""
        path = self.directory / f"inventory.{hosts}.{port}.ini"
        lines = [f"h{n:04} ansible_host={each}" for n, each in enumerate(self.sshd.addresses(hosts), 1)]
        options = (
            f"-o UserKnownHostsFile={self.known_hosts(port)} -o GlobalKnownHostsFile=/dev/null "
            "-o IdentitiesOnly=yes -o IdentityAgent=none"
        )
        variables = [
            f"ansible_port={port}",
            f"ansible_user={self.sshd.user}",
            f"ansible_ssh_private_key_file={self.sshd.client_key}",
            f"ansible_ssh_common_args='{options}'",
            "ansible_python_interpreter=/usr/bin/python3",
            f"stay={self.stay}",
        ]
        path.write_text("\n".join(["[farm]", *lines, "", "[farm:vars]", *variables, ""]))
        return path

    def pyinfra_inventory(self, hosts: int, port: int) -> Path:
        path = self.directory / f"pyinfra_{hosts}_{port}.py"
        data = {
            "ssh_port": port,
            "ssh_user": self.sshd.user,
            "ssh_key": str(self.sshd.client_key),
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            "ssh_known_hosts_file": str(self.known_hosts(port)),
            "ssh_strict_host_key_checking": "yes",
            "stay": str(self.stay),
        }
        addresses = self.sshd.addresses(hosts)
        path.write_text(f"farm = ({addresses!r}, {data!r})\n")
        return path

    def peer_spec(self, hosts: int, port: int, command: str, fanout: int) -> Path:
        """What the scripts in peers/ read."""
        spec = {
            "addresses": self.sshd.addresses(hosts),
            "port": port,
            "user": self.sshd.user,
            "key": str(self.sshd.client_key),
            "known_hosts": str(self.known_hosts(port)),
            "command": command,
            "fanout": fanout,
        }
        path = self.directory / f"peer.{hosts}.{port}.{fanout}.json"
        path.write_text(json.dumps(spec))
        return path

    # -- running ---------------------------------------------------------------------------------------

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Nothing of ours but PATH: no agent, no proxy, no settings of whoever runs this."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "TERM": "dumb"}
        return {**plain, "HOSTPOOL_SYSLOG": "off", **more}

    def measure(
        self,
        commands: Sequence[Sequence[str]],
        *,
        env: Mapping[str, str] | None = None,
        memory: bool = False,
        mark: str = "",
        discard: bool = False,
        limit: float = 300.0,
        linger: float = 1.0,
        good: Sequence[int] = (0,),
    ) -> list[Cost]:
        """What each of the commands cost, one after the other. Raises Failed.

        ``mark``: the moments of the first and the last occurrence of it in the output are told;
        ``discard``: the output goes nowhere.
        """
        log = self.directory / "log"
        spec = {
            "commands": [list(map(str, words)) for words in commands],
            "env": self.environment(env or {}),
            "cwd": str(self.home),
            "log": str(log),
            "memory": memory,
            "mark": mark,
            "discard": discard,
            "limit": limit,
            "linger": linger,
            "good": list(good),
        }
        before = self.server_cpu()
        done = subprocess.run(
            [sys.executable, "-E", "-S", str(METER)],
            input=json.dumps(spec),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(done.stderr)
        costs = json.loads(done.stdout)
        last = costs[-1]
        if last["exit"] not in good:
            if last["wall"] >= limit:
                raise Failed(f"not done after {limit:g} s")
            words = log.read_bytes()[-1500:].decode(errors="replace")
            raise Failed(
                f"{' '.join(map(str, commands[len(costs) - 1]))[:300]}: exit {last['exit']}\n{words}"
            )
        server = self.server_cpu() - before
        return [_cost(each, server) for each in costs]

    def server_cpu(self) -> float:
        """Seconds used so far by the servers and all that ran in sessions: those must have ended."""
        until = time.monotonic() + 20.0
        while time.monotonic() < until and any(map(_children, self._masters())):
            time.sleep(0.02)
        return sum(map(_used, self._masters()))

    def _masters(self) -> list[int]:
        return [master.pid for master in self.sshd._masters]


def _cost(told: Mapping[str, Any], server: float) -> Cost:
    fields = {name: told[name] for name in Cost.__dataclass_fields__ if name in told}
    return Cost(server=server, **fields)


def _children(pid: int) -> bool:
    return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text().strip())


def _used(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / _TICK
