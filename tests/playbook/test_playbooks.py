"""Every playbook of playbooks/ loads, and does on real hosts what it says; a second run changes nothing."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hostpool.playbook.load import Loader
from hostpool.tasks.modules.registry import specs
from tests.farm import Booted, Sshd, wait_until
from tests.playbook.conftest import ROOT, Ended, Play, playing

PLAYBOOKS = ROOT / "playbooks"
ALL = sorted(path.name for path in PLAYBOOKS.glob("*.yml"))


def variables(**values: Any) -> list[str]:
    return ["-e", json.dumps(values)]


def twice(play: Play, name: str, *words: str) -> Ended:
    """Runs it twice; the first run, whose document the caller looks at."""
    first = play(PLAYBOOKS / name, *words)
    assert first.code == 0, first.out + first.err
    again = play(PLAYBOOKS / name, *words)
    assert again.code == 0, again.out + again.err
    assert again.changed("h001") == 0, again.out
    return first


@pytest.mark.parametrize("name", ALL)
def test_all_of_it_is_supported(name: str) -> None:
    assert Loader(specs()).load([PLAYBOOKS / name]).tasks > 2


def test_there_are_eight() -> None:
    assert len(ALL) >= 8


def test_disks(play: Play) -> None:
    told = play(PLAYBOOKS / "disks.yml", "-e", "limit=101")
    assert told.code == 0, told.out
    full = play(PLAYBOOKS / "disks.yml", "-e", "limit=-1")
    assert full.code == 3


def test_certificates(play: Play, tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=test", "-days", "10", "-keyout", str(tmp_path / "key"), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    given = variables(certificates=[str(certificate), str(tmp_path / "none")])
    assert play(PLAYBOOKS / "certificates.yml", *given, "-e", "days=5").code == 0
    ending = play(PLAYBOOKS / "certificates.yml", *given, "-e", "days=30")
    assert ending.code == 3
    assert "CN" in ending.document["hosts"]["h001"]["error"]["message"]


def test_logs(play: Play, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\ntwo\nthree\n")
    twice(play, "logs.yml", *variables(into=str(tmp_path / "here"), lines=2, logs=[str(log), "/nowhere"]))
    kept = list((tmp_path / "here" / "h002").iterdir())
    assert [path.read_text().split() for path in kept] == [["two", "three"]]


@pytest.mark.needs_root
def test_users(booted: Booted, tmp_path: Path, tmp_home: Path) -> None:
    play = playing(booted, tmp_path)
    keys = ["ssh-ed25519 AAAA one", "ssh-rsa BBBB two"]
    ada = {"name": "ada", "groups": ["crew"], "shell": "/bin/sh", "keys": keys}
    # both hosts are the one machine, whose accounts nobody else may change meanwhile
    twice(
        play, "users.yml", "-l", "h001", *variables(user_groups=[{"name": "crew", "gid": 4321}], users=[ada])
    )
    assert booted.sh("cat /home/ada/.ssh/authorized_keys").splitlines() == keys
    assert booted.sh("id -Gn ada; stat -c %a,%U /home/ada/.ssh/authorized_keys") == "ada crew\n600,ada\n"
    twice(play, "users.yml", "-l", "h001", *variables(gone=["ada"]))
    assert booted.sh("id ada 2>&1 || true").startswith("id:")


SITE = """
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecReload=/bin/sh -c 'echo reloaded >> /srv/reloads'
"""


@pytest.mark.needs_root
def test_deploy(booted: Booted, tmp_path: Path, tmp_home: Path) -> None:
    play = playing(booted, tmp_path)
    booted.sh(f"printf '%s' \"{SITE}\" > /run/systemd/system/site.service; systemctl start site")
    words = variables(place="/srv/{{ inventory_hostname }}", service="site")
    twice(play, "deploy.yml", *words, "-e", "version=1")
    assert booted.sh("cat /srv/reloads").count("reloaded") == 2
    twice(play, "deploy.yml", *words, "-e", "version=2")
    assert booted.sh("readlink /srv/h001/current; cat /srv/h001/current/index.html").startswith(
        "releases/2\n"
    )


def test_patch(play: Play, tmp_path: Path) -> None:
    flag = tmp_path / "reboot-required"
    words = variables(
        upgrade="echo 0 upgraded, 0 newly installed, 0 to remove", needs_reboot=f"test -e {flag}"
    )
    twice(play, "patch.yml", *words)


def test_patch_stops_at_the_canary(play: Play) -> None:
    ended = play(PLAYBOOKS / "patch.yml", *variables(upgrade="exit 1"))
    assert ended.code == 5
    assert ended.document["hosts"]["h002"]["status"] == "not_run"


def test_patch_reboots(sshd: Sshd, tmp_path: Path, tmp_home: Path) -> None:
    """The canary goes down, comes back with another boot id, and only then the other host has its turn."""
    flag, told, boot = tmp_path / "reboot-required", tmp_path / "told", tmp_path / "boot_id"
    flag.touch()
    boot.write_text("first\n")
    words = variables(
        upgrade="echo 0 upgraded, 0 newly installed, 0 to remove", needs_reboot=f"test -e {flag}",
        reboot=f"touch {told}", boot_id=f"cat {boot}",
    )  # fmt: skip

    def booted() -> None:
        flag.unlink()
        boot.write_text("second\n")

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(playing(sshd, tmp_path), PLAYBOOKS / "patch.yml", *words)
        wait_until(lambda: told.exists() or running.done(), seconds=60, what="the canary is told to reboot")
        sshd.reboot(changes=booted)
        ended = running.result()
    assert ended.code == 0, ended.out + ended.err
    assert (ended.changed("h001"), ended.changed("h002")) == (1, 0)


def hardened(booted: Booted, place: Path, *more: str) -> tuple[Callable[..., Ended], int]:
    """Runs sshd.yml on a machine whose own sshd, a service of systemd, listens on the port returned."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = (f"Port {port}", "#PermitRootLogin yes", "PasswordAuthentication yes",
                "AuthorizedKeysFile /etc/ssh/keys", "Match User x", "  X11Forwarding yes")  # fmt: skip
    booted.sh(f"printf '%s\\n' {shlex.join(settings)} > /etc/ssh/sshd_config")
    booted.sh(f"cp {booted.directory}/authorized_keys /etc/ssh/keys; ssh-keygen -A; systemctl start ssh")
    key = booted.sh("cat /etc/ssh/ssh_host_ed25519_key.pub")
    (place / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    login = f"-p {port} -i {booted.client_key} -o UserKnownHostsFile={place}/known_hosts root@127.0.0.1"
    words = ("-l", "h001", *variables(login=login), *more)
    play = playing(booted, place)
    return lambda: play(PLAYBOOKS / "sshd.yml", *words), port


@pytest.fixture
def booted() -> Iterator[Booted]:
    with Booted() as machine:
        yield machine


@pytest.mark.needs_root
def test_sshd(booted: Booted, tmp_path: Path, tmp_home: Path) -> None:
    run, port = hardened(booted, tmp_path)
    first = run()
    assert first.code == 0, first.out + first.err
    assert run().changed("h001") == 0
    lines = booted.sh("cat /etc/ssh/sshd_config").splitlines()
    assert lines[:3] == [f"Port {port}", "PermitRootLogin prohibit-password", "PasswordAuthentication no"]
    assert lines.index("MaxAuthTries 4") < lines.index("Match User x")


@pytest.mark.needs_root
def test_sshd_takes_back_what_locks_everybody_out(booted: Booted, tmp_path: Path, tmp_home: Path) -> None:
    run, port = hardened(booted, tmp_path, *variables(settings={"AllowUsers": "nobody"}, grace=10))
    ended = run()
    assert ended.code == 5, ended.out + ended.err
    assert "A new login works" in ended.out
    known = f"UserKnownHostsFile={tmp_path}/known_hosts"
    options = [
        "-F",
        "none",
        "-p",
        str(port),
        "-i",
        str(booted.client_key),
        "-o",
        known,
        "-o",
        "BatchMode=yes",
    ]

    def let_in() -> bool:
        words = ["ssh", *options, "root@127.0.0.1", "true"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    wait_until(let_in, seconds=60, what="the old settings are back, and let us in")
    assert "AllowUsers" not in booted.sh("cat /etc/ssh/sshd_config")


def test_bootstrap(play: Play, tmp_path: Path) -> None:
    (tmp_path / "etc/profile.d").mkdir(parents=True)
    words = variables(root=str(tmp_path), tools=["sh"], owner="us")
    twice(play, "bootstrap.yml", *words, "-l", "h001")
    assert "In the care of us." in (tmp_path / "etc/motd").read_text()
