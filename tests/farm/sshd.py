"""A real OpenSSH server on loopback, for one test session.

Many hosts, one server: each address of 127.0.0.0/8 passes for a host. One sshd takes at most 16
listening sockets (MAX_LISTEN_SOCKS in sshd.c), and listening on 0.0.0.0 would show the server to the
network, so every 16 addresses get a master process of their own, started when they are first asked
for, all with the same port, host key and settings. A master costs a few ms and no CPU afterwards; a
relay in between would distort every timing. Limits such as MaxStartups hold per master.
"""

from __future__ import annotations

import getpass
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.farm import processes
from tests.farm.processes import wait_until

SSHD = "/usr/sbin/sshd"
SOCKETS_PER_MASTER = 16
PORTS = range(10_000, 32_000)  # below the ports the kernel hands to clients (ip_local_port_range)


def address(index: int) -> str:
    """The ``index``-th address: 127.0.0.1, then 127.0.1.1 … 127.0.1.250, 127.0.2.1 …"""
    if index == 0:
        return "127.0.0.1"
    block, last = divmod(index - 1, 250)
    return f"127.0.{block + 1}.{last + 1}"


class Sshd:
    """One OpenSSH server: ready when constructed, gone with its sessions after ``stop()``.

    ``config``: lines of sshd_config that win over ours (sshd takes the first value it reads);
    ``match``: lines of Match blocks; ``environment``: variables for the sessions (a SetEnv line would
    displace ours). Runs as root and as an ordinary user; the user who logs in is the current one (as
    root: any local account), with a key made for this server alone.

    HOME of the current user's sessions, and where SFTP starts, is the empty directory ``home``: else a
    bash with a slow or talkative .bashrc decides over the tests. Commands still start in the real home,
    for which sshd has no setting.
    Raises RuntimeError with the server's own words if it does not start.
    """

    def __init__(
        self,
        *,
        config: Sequence[str] = (),
        match: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        max_startups: str = "1000:30:2000",
        max_sessions: int = 1000,
        log_level: str = "INFO",
    ) -> None:
        _require_sshd()
        self.directory = Path(tempfile.mkdtemp(prefix="hostpool-sshd-"))
        self.user = getpass.getuser() if os.geteuid() else "root"
        self.address = address(0)
        self.log_path = self.directory / "sshd.log"
        self.client_key = self.directory / "client_key"
        self.known_hosts = self.directory / "known_hosts"
        self.port = 0
        self._marker = f"HOSTPOOL_FARM={secrets.token_hex(8)}"
        self._masters: list[subprocess.Popen[bytes]] = []
        self.home = self.directory / "home"
        self.home.mkdir(mode=0o700)
        self.log_path.touch()
        # sshd reads authorized_keys as the user who logs in, who need not be us
        self.directory.chmod(0o755)
        _make_key(self.client_key)
        _make_key(self.directory / "host_key")
        self.host_key = " ".join((self.directory / "host_key.pub").read_text().split()[:2])
        shutil.copy(self.directory / "client_key.pub", self.directory / "authorized_keys")
        self._settings = [
            *config,
            *self._own_settings(max_startups, max_sessions, log_level),
            *self._environment_settings(environment or {}),
            *match,
        ]
        try:
            self._start_on_free_port()
        except BaseException:
            self.stop()
            raise

    def _own_settings(self, max_startups: str, max_sessions: int, log_level: str) -> list[str]:
        lines = [
            f"HostKey {self.directory}/host_key",
            f"AuthorizedKeysFile {self.directory}/authorized_keys",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "PermitUserEnvironment no",
            "UseDNS no",
            "PrintMotd no",
            "PrintLastLog no",
            # other users cannot enter it and start in their own home
            f"Subsystem sftp internal-sftp -d {self.home}",
            f"MaxStartups {max_startups}",
            f"MaxSessions {max_sessions}",
            f"LogLevel {log_level}",
        ]
        if _version() >= (9, 8):
            lines.append("PerSourcePenalties no")
        return lines

    def _environment_settings(self, extra: Mapping[str, str]) -> list[str]:
        """The marker by which ``stop`` finds what sessions leave behind, and a home for our own ones."""
        ours = [self._marker, *(f'"{name}={value}"' for name, value in extra.items())]
        words = " ".join(ours)
        return [f"SetEnv {words}", f"Match User {self.user}", f"SetEnv {words} HOME={self.home}", "Match all"]

    def _start_on_free_port(self) -> None:
        for port in random.SystemRandom().sample(PORTS, 20):
            self.port = port
            try:
                return self._start_master()
            except OSError:  # taken: the next
                continue
        raise RuntimeError("no free port for sshd in 20 tries")

    def _start_master(self) -> None:
        """Start one more master for the next addresses. Raises OSError if the port is taken there."""
        number = len(self._masters)
        first = number * SOCKETS_PER_MASTER
        mine = [address(index) for index in range(first, first + SOCKETS_PER_MASTER)]
        listen = [f"Port {self.port}", *(f"ListenAddress {each}" for each in mine)]
        path = self.directory / f"sshd_config.{number}"
        path.write_text("\n".join([*listen, *self._settings, ""]))
        logged = self.log_path.stat().st_size
        with self.log_path.open("ab") as log:
            master = subprocess.Popen(
                [*_dying_with_us(), *self._within(), SSHD, "-D", "-e", "-f", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._masters.append(master)
        wait_until(
            lambda: master.poll() is not None or _listening(self.port, mine) == len(mine),
            seconds=60,
            what=f"sshd listens on port {self.port} of {len(mine)} addresses, see {self.log_path}",
        )
        words = self.log_path.read_bytes()[logged:].decode(errors="replace")
        if master.poll() is not None or "Address already in use" in words:
            self._masters.remove(master)
            master.kill()
            master.wait()
            if "Address already in use" in words:
                raise OSError(f"port {self.port} is taken")
            raise RuntimeError(f"sshd did not start:\n{words}")
        self._write_known_hosts()

    def _within(self) -> list[str]:
        """What runs the server, for those kinds of it that do not live on this machine's own root."""
        return []

    def _write_known_hosts(self) -> None:
        served = range(len(self._masters) * SOCKETS_PER_MASTER)
        lines = [f"[{address(index)}]:{self.port} {self.host_key}\n" for index in served]
        self.known_hosts.write_text("".join(lines))

    def addresses(self, n: int) -> list[str]:
        """``n`` distinct addresses (127.0.1.1 first) that this server answers on, from now on."""
        while len(self._masters) * SOCKETS_PER_MASTER < n + 1:
            self._start_master()
        return [address(index) for index in range(1, n + 1)]

    def inventory(self, n: int, path: Path) -> Path:
        """Write an INI inventory of ``n`` hosts h001 … in the group ``farm`` and return its path."""
        width = max(3, len(str(n)))
        hosts = [f"h{i:0{width}} ansible_host={each}" for i, each in enumerate(self.addresses(n), 1)]
        variables = [
            f"ansible_port={self.port}",
            f"ansible_user={self.user}",
            f"ansible_ssh_private_key_file={self.client_key}",
            f"ansible_ssh_common_args='-o UserKnownHostsFile={self.known_hosts}'",
        ]
        path.write_text("\n".join(["[farm]", *hosts, "", "[farm:vars]", *variables, ""]))
        return path

    def ssh(self, destination: str, *words: str, user: str | None = None) -> list[str]:
        """The argv of a real ``ssh`` client that runs ``words`` on an address of this server."""
        return ["ssh", *self.ssh_options("-p"), "-l", user or self.user, destination, "--", *words]

    def ssh_options(self, port_letter: str) -> list[str]:
        """Options of ssh(1) (``-p``), sftp(1) and scp(1) (``-P``) that reach this server."""
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=yes",
            "GlobalKnownHostsFile=/dev/null",
            f"UserKnownHostsFile={self.known_hosts}",
        )
        flags = [word for option in options for word in ("-o", option)]
        return ["-F", "/dev/null", "-i", str(self.client_key), port_letter, str(self.port), *flags]

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def sessions(self) -> list[int]:
        """Pids of everything that runs below this server now, orphans of its sessions included."""
        below = [pid for master in self._masters for pid in processes.descendants(master.pid)]
        return list(dict.fromkeys([*below, *processes.marked(self._marker)]))

    def reboot(self, *, down: float = 0.0, changes: Callable[[], object] = lambda: None) -> None:
        """As a reboot looks from outside: all connections break, nothing listens for ``down`` seconds
        and while ``changes`` runs, then the same server is back."""
        count = len(self._masters)
        self._end_all()
        time.sleep(down)
        changes()
        for _ in range(count):
            self._start_master()

    def stop(self) -> None:
        """End the server and all that was started through it; remove its directory. Idempotent."""
        self._end_all()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end_all(self) -> None:
        masters = [master.pid for master in self._masters]
        processes.kill_all(masters, signal.SIGSTOP)  # or they fork while we look
        while left := self.sessions():
            processes.kill_all(left)
            processes.wait_gone(left)
        processes.kill_all(masters)
        for master in self._masters:
            master.wait(60)
        self._masters.clear()

    def __enter__(self) -> Sshd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _require_sshd() -> None:
    missing = [name for name in (SSHD, "ssh-keygen", "ssh") if shutil.which(name) is None]
    if missing:
        raise RuntimeError(
            f"tests need {', '.join(missing)}: apt-get install openssh-server openssh-client "
            "(dnf install openssh-server openssh-clients)"
        )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation directory


def _dying_with_us() -> list[str]:
    """What ends a master when these tests are killed. The kernel watches the thread that starts it, so
    only the main one will do."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL"]


def _make_key(path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hostpool test", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def _version() -> tuple[int, int]:
    told = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _listening(port: int, addresses: Iterable[str]) -> int:
    """How many of ``addresses`` listen on ``port``; asked of the kernel, since a connection would
    count against MaxStartups and stand in the log."""
    wanted = {
        "".join(f"{int(part):02X}" for part in reversed(each.split("."))) + f":{port:04X}"
        for each in addresses
    }
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return len({row[1] for row in rows if row[3] == "0A"} & wanted)
