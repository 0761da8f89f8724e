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
