"""The files of a fleet: keys, known_hosts, inventory, homes and scripts."""

from __future__ import annotations

import json
import os
import pwd
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hostpool.demo import leftovers, scripts
from hostpool.demo.company import Host, Quirk

ADDRESS = "127.0.0.1"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Account:
    """Where and how a host's commands run."""

    user: str
    shell: str
    home: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Key:
    """A fresh ed25519 key: the OpenSSH private file's text and the public line."""

    private: str
    public: str

    @classmethod
    def make(cls) -> Key:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return cls(private.decode(), public.decode())


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return "demo"


def write_scripts(directory: Path) -> None:
    """The scripts all hosts share."""
    (directory / "bin").mkdir()
    for name, text in {
        **scripts.commands(),
        "slow-sh": scripts.SLOW_SHELL,
        "failing-sh": scripts.FAILING_SHELL,
    }.items():
        path = directory / "bin" / name
        path.write_text(text)
        path.chmod(0o755)


def make_account(directory: Path, host: Host, user: str, marker: str) -> Account:
    """The home of one host, and what its commands find in their environment."""
    own = directory / "hosts" / host.name
    home = own / "home"
    (own / "tmp").mkdir(parents=True)
    home.mkdir()
    facts = {"name": host.name, **host.facts}
    (own / "facts").write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in facts.items()))
    shells = {Quirk.SLOW: f"{directory}/bin/slow-sh", Quirk.FAILING: f"{directory}/bin/failing-sh"}
    shell = shells.get(host.quirk, "/bin/sh")
    environment = {
        leftovers.VARIABLE: marker,
        "DEMO_HOST": str(own),
        "HOSTNAME": host.name,
        "HOME": str(home),
        "TMPDIR": str(own / "tmp"),
        "USER": user,
        "LOGNAME": user,
        "SHELL": shell,
        "PATH": f"{directory}/bin:{SYSTEM_PATH}",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
    return Account(user, shell, home, environment)


def known_hosts_line(port: int, key: Key) -> str:
    return f"[{ADDRESS}]:{port} {key.public}\n"


def inventory_text(directory: Path, hosts: Sequence[Host], ports: Mapping[str, int], user: str) -> str:
    """A YAML inventory (JSON strings are YAML strings) of all hosts and groups."""
    options = f"-o UserKnownHostsFile={shlex.quote(str(directory / 'known_hosts'))}"
    groups: dict[str, list[str]] = {}
    for kind in range(2):  # roles first, then stages
        for host in hosts:
            groups.setdefault(host.groups[kind], []).append(host.name)
    lines = [
        "# the demo's fleet: gone when the demo ends",
        "all:",
        "  vars:",
        f"    ansible_host: {ADDRESS}",
        f"    ansible_user: {json.dumps(user)}",
        f"    ansible_ssh_private_key_file: {json.dumps(str(directory / 'client_key'))}",
        f"    ansible_ssh_common_args: {json.dumps(options)}",
        "  hosts:",
        *(f"    {name}: {{ansible_port: {port}}}" for name, port in ports.items()),
        "  children:",
    ]
    for group, names in groups.items():
        lines += [f"    {group}:", "      hosts:", *(f"        {name}:" for name in names)]
    return "\n".join(lines) + "\n"


def write_private(path: Path, text: str) -> None:
    """A file that nobody else could ever read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
