"""Every playbook of playbooks/ loads, and does on real hosts what it says; a second run changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hostpool.playbook.load import Loader
from hostpool.tasks.modules.registry import specs
from tests.playbook.conftest import ROOT, Ended, Play

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


def test_users(play: Play, tmp_path: Path) -> None:
    import pwd

    me = pwd.getpwuid(os.getuid()).pw_name
    user = {
        "name": me,
        "home": str(tmp_path / "home-of-it"),
        "keys": ["ssh-ed25519 AAAA one", "ssh-rsa BBBB two"],
    }
    twice(play, "users.yml", *variables(users=[user]))
    assert (tmp_path / "home-of-it/.ssh/authorized_keys").read_text().split("\n")[:2] == user["keys"]


def test_deploy(play: Play, tmp_path: Path) -> None:
    place, log = tmp_path / "site", tmp_path / "reloads"
    words = variables(place=f"{place}-{{{{ inventory_hostname }}}}", reload=f"echo reloaded >> {log}")
    twice(play, "deploy.yml", *words, "-e", "version=1")
    assert log.read_text().count("reloaded") == 2
    twice(play, "deploy.yml", *words, "-e", "version=2")
    assert (tmp_path / "site-h001/current").readlink() == Path("releases/2")
    assert (tmp_path / "site-h001/current/index.html").exists()


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


def test_sshd(play: Play, tmp_path: Path) -> None:
    config = tmp_path / "sshd_config"
    config.write_text(
        "Port 22\n#PermitRootLogin yes\nPasswordAuthentication yes\nMatch User x\n  X11Forwarding yes\n"
    )
    words = variables(config=str(config), reload="true", validate="test -s %s", login="", grace=1)
    twice(play, "sshd.yml", *words, "-l", "h001")
    lines = config.read_text().splitlines()
    assert lines[:3] == ["Port 22", "PermitRootLogin prohibit-password", "PasswordAuthentication no"]
    assert lines.index("MaxAuthTries 4") < lines.index("Match User x")


def test_bootstrap(play: Play, tmp_path: Path) -> None:
    (tmp_path / "etc/profile.d").mkdir(parents=True)
    words = variables(root=str(tmp_path), tools=["sh"], owner="us")
    twice(play, "bootstrap.yml", *words, "-l", "h001")
    assert "In the care of us." in (tmp_path / "etc/motd").read_text()
