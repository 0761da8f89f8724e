"""Five hundred hosts behind one bastion that has OpenSSH's default MaxStartups."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Hostpool, environment, hostpool, workdir
from tests.farm import Sshd

__all__ = ["environment", "hostpool", "workdir"]

HOSTS = 500


def test_all_of_them_answer(hostpool: Hostpool, sshd: Sshd, tmp_path: Path) -> None:
    with Sshd(max_startups="10:30:100") as bastion:
        allowed = (sshd.directory / "authorized_keys").read_text()
        (bastion.directory / "authorized_keys").write_text(allowed)
        hosts = sshd.inventory(HOSTS, tmp_path / "hosts.ini")
        config = tmp_path / "ssh_config"
        config.write_text(
            f"Host bastion\n  HostName {bastion.address}\n  Port {bastion.port}\n  User {bastion.user}\n"
            f"  UserKnownHostsFile {bastion.known_hosts}\nHost *\n  IdentityFile {sshd.client_key}\n"
            "  GlobalKnownHostsFile none\n"
        )
        ended = hostpool(
            "run",
            "-i",
            str(hosts),
            "-F",
            str(config),
            "-J",
            "bastion",
            "-T",
            "30",
            "-o",
            "json",
            "all",
            "true",
            timeout=100,
        )
        document = json.loads(ended.out)
        wrong = {name: each["error"] for name, each in document["hosts"].items() if each["status"] != "ok"}
        assert not wrong and ended.code == 0
        assert document["counts"]["ok"] == HOSTS
        # Each worker process has one connection to it, whatever happened on the way.
        assert 1 <= bastion.log().count("Accepted publickey") <= 8


def test_two_hundred_names_of_one_server_that_throttles(
    hostpool: Hostpool, sshd: Sshd, tmp_path: Path
) -> None:
    """Nothing is shared here: the server drops what is too much, and is asked again a little later."""
    with Sshd(max_startups="10:30:100") as server:
        lines = [f"h{number:03}" for number in range(200)]
        variables = (
            f"ansible_host={server.address}", f"ansible_port={server.port}", f"ansible_user={server.user}",
            f"ansible_ssh_private_key_file={server.client_key}",
            f"ansible_ssh_common_args='-o UserKnownHostsFile={server.known_hosts}'",
        )  # fmt: skip
        hosts = tmp_path / "hosts.ini"
        hosts.write_text("\n".join([*lines, "[all:vars]", *variables]) + "\n")
        args = ("-i", str(hosts), "-F", "none", "-T", "30", "-o", "json")
        ended = hostpool("run", *args, "all", "true", timeout=100)
        document = json.loads(ended.out)
        wrong = {name: each["error"] for name, each in document["hosts"].items() if each["status"] != "ok"}
        assert not wrong and ended.code == 0
        assert max(each["attempts"] for each in document["hosts"].values()) > 1
