"""Every fault as a host of one inventory: real servers, hostile ones, and relays that cut and swallow."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.farm import Hostile, Proxy, Refusing, Sshd, ThrowAwayUser, hostile

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEyf6aj9tc6tBOjJKh7v2ZWwE8DBgzbtCyJ4Ga2Il2Xr"
SERVERS = {
    "old": ["Ciphers aes128-cbc"],
    "impatient": ["MaxAuthTries 1"],
    "denying": ["DenyUsers *"],
    "forced": ["ForceCommand echo forced; exit 3"],
    "slow": [
        "AuthorizedKeysFile none",
        "AuthorizedKeysCommand /usr/bin/sleep 30",
        "AuthorizedKeysCommandUser USER",
    ],
    "hasty": [
        "AuthorizedKeysFile none",
        "AuthorizedKeysCommand /usr/bin/sleep 30",
        "AuthorizedKeysCommandUser USER",
        "LoginGraceTime 1",
    ],
}
Host = dict[str, Any]


class Crowded(Proxy):
    """Drops the first ``drops`` connections in the words of MaxStartups, then lets through."""

    def __init__(self, address: str, port: int, drops: int) -> None:
        self._left = drops
        super().__init__(address, port)

    def serve(self, connection: socket.socket) -> None:
        self._left -= 1
        if self._left >= 0:
            hostile.throttled(connection, self._ending)
        else:
            super().serve(connection)


class Swallowing(Proxy):
    """Passes nothing on any more a moment after ``limit`` bytes came down."""

    def __init__(self, address: str, port: int, limit: int) -> None:
        self._limit = limit
        super().__init__(address, port)

    def _count(self, way: str, size: int) -> None:
        super()._count(way, size)
        if self.down >= self._limit:
            self.black_hole()


class Stage:
    """``hosts``: by the key of the fault, the variables of its host."""

    def __init__(self, sshd: Sshd, directory: Path, stack: contextlib.ExitStack, *, root: bool) -> None:
        self._sshd = sshd
        self._directory = directory
        self._stack = stack
        self._known = [f"[{sshd.address}]:{sshd.port} {sshd.host_key}"]
        self._free = iter(sshd.addresses(12))
        self.known_hosts = directory / "known_hosts"
        self.hosts: dict[str, Host] = {}
        self._never_connected()
        self._hostile()
        self._host_keys()
        self._logins()
        self._sessions()
        self._commands()
        self._relays()
        if root:
            self._accounts()
        self.known_hosts.write_text("\n".join(self._known) + "\n")

    # -- pieces

    def host(self, key: str, server: Any, command: str = "true", *options: str, **variables: Any) -> None:
        """``server``: whatever has an address and a port."""
        known = (
            () if "UserKnownHostsFile" in " ".join(options) else (f"UserKnownHostsFile={self.known_hosts}",)
        )
        words = [f"-o {option}" for option in (*options, *known)]
        self.hosts[key] = {
            "ansible_host": server.address,
            "ansible_port": server.port,
            "ansible_ssh_extra_args": " ".join(words),
            "cmd": command,
            **variables,
        }

    def server(self, name: str, **settings: Any) -> Sshd:
        lines = [line.replace("USER", self._sshd.user) for line in SERVERS.get(name, [])]
        made = self._stack.enter_context(Sshd(config=lines, **settings))
        self._known.append(f"[{made.address}]:{made.port} {made.host_key}")
        (made.directory / "authorized_keys").write_text(
            (self._sshd.directory / "authorized_keys").read_text()
        )
        return made

    def own(self) -> Any:
        """An address of the shared server that no other fault uses; its key is not known yet."""
        return _Place(next(self._free), self._sshd.port)

    def known(self, place: Any, key: str | None = None) -> Any:
        self._known.append(f"[{place.address}]:{place.port} {key or self._sshd.host_key}")
        return place

    # -- the faults

    def _never_connected(self) -> None:
        self.host("refused", self._stack.enter_context(Refusing()))
        self.host("no_route", self.own(), "true", "BindAddress=192.0.2.77")
        self.host("black_hole", self._stack.enter_context(_full_queue()))
        self.host("dns", _Place("a" * 70 + ".example", 22))

    def _hostile(self) -> None:
        for key, behaviour in {
            "banner_never": hostile.mute,
            "banner_dripped": hostile.drip,
            "banner_garbage": hostile.garbage,
            "banner_endless": hostile.endless,
            "closed_at_once": hostile.close_at_once,
            "kex_silent": hostile.kexinit_then_silence,
        }.items():
            self.host(key, self._stack.enter_context(Hostile(behaviour)))
        self.host("no_common_algorithm", self.server("old"))
        self.host("limited", self.own(), "true", "HostKeyAlgorithms=ecdsa-sha2-nistp256")

    def _host_keys(self) -> None:
        self.host("key_unknown", self.own())
        self.host("key_changed", self.known(self.own(), OTHER_KEY))
        revoked = self._directory / "revoked"
        revoked.write_text(f"{self._sshd.host_key}\n")
        self.host("key_revoked", self.known(self.own()), "true", f"RevokedHostKeys={revoked}")

    def _logins(self) -> None:
        stranger = self._directory / "stranger"
        second = self._directory / "second"
        for path in (stranger, second):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        wrong = {"ansible_ssh_private_key_file": str(stranger)}
        self.host("login_refused", self.known(self.own()), **wrong)
        self.host("account_denied", self.server("denying"))
        self.host("max_auth_tries", self.server("impatient"), "true", f"IdentityFile={second}", **wrong)
        self.host("auth_silent", self.server("slow"))
        self.host("auth_closed", self.server("hasty"))
        self.host(
            "agent_dead", self.known(self.own()), "true", f"IdentityAgent={self._directory}/gone", **wrong
        )
        hung = self._stack.enter_context(_hung_agent(self._directory / "hung"))
        self.host("agent_hung", self.known(self.own()), "true", f"IdentityAgent={hung}", **wrong)

    def _sessions(self) -> None:
        self.host("max_sessions", self.server("", max_sessions=0))
        crowded = self._stack.enter_context(Crowded(self._sshd.address, self._sshd.port, 2))
        self.host("max_startups", self.known(crowded))
        self.host("forced_command", self.server("forced"), "uptime", hostpool_shell="none")

    def _commands(self) -> None:
        for key, command in {
            "exit_status": "exit 7",
            "not_found": "no-such-command-anywhere",
            "signal": "kill -KILL $$",
            "endless_output": "yes",
            "too_long": "sleep 31",
            "child_left": "sleep 5 & echo started",
            "stdin_closed": "cat",
        }.items():
            self.host(key, self._sshd, command)
        talking = self.server("")
        (talking.home / ".bashrc").write_text("echo welcome\n")
        self.host("login_prints", talking, "echo out")
        self.host("sshd_killed", self.server(""), "kill -KILL $PPID; sleep 30")

    def _relays(self) -> None:
        server = (self._sshd.address, self._sshd.port)
        much = "head -c 2000000 /dev/zero | tr '\\0' x; sleep 30"
        for key, relay, command in (
            ("kex_closed", Proxy(*server, cut_down=400), "true"),
            ("reset", Proxy(*server, cut_down=200_000, reset=True), much),
            ("swallowed", Swallowing(*server, 200_000), much),
        ):
            options = ("ServerAliveInterval=1", "ServerAliveCountMax=2") if key == "swallowed" else ()
            self.host(key, self.known(self._stack.enter_context(relay)), command, *options)

    def _accounts(self) -> None:
        """What only root can arrange."""
        for key, shell, change in (
            ("account_locked", "/bin/sh", "--lock"),
            ("shell_missing", "/no/such/shell", None),
        ):
            user = self._stack.enter_context(ThrowAwayUser(shell=shell))
            if change:
                subprocess.run(["usermod", change, user.name], check=True)
            self.host(key, self._sshd, ansible_user=user.name)


class _Place:
    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port


@contextlib.contextmanager
def _full_queue() -> Iterator[_Place]:
    """Packets are dropped: a listener whose accept queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        yield _Place(*address)
        for filler in fillers:
            filler.close()


@contextlib.contextmanager
def _hung_agent(path: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen()
        yield path
