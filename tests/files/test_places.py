"""Places on a host that take not everything, or not from everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.machine import Machine
from tests.files.commands import Command, hosts, statuses
from tests.files.trees import a_directory, a_file, lay

pytestmark = pytest.mark.needs_root
NEW = {"a": a_file(b"new" * 900_000), "b": a_file(b"newer"), "d": a_directory({"c": a_file(b"c")})}
_PLACES = """
useradd -m -s /bin/sh -p '*' deploy
mkdir /full /fixed /etc/app
mkdir -m 700 /srv/secret
mount -t tmpfs -o size=2m tmpfs /full
mount -t tmpfs tmpfs /fixed
for d in /full /fixed; do echo old > $d/a; echo old > $d/b; done
mount -o remount,ro /fixed
mount --bind /tmp /tmp
mount -o remount,bind,noexec /tmp
"""
ALL = "cd {0}; cat a b; ls -A; stat -c %U:%G a"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as made:
        made.sh(_PLACES)
        yield made


@pytest.fixture
def farm(machine: Machine, tmp_path: Path) -> list[str]:
    return hosts(machine, 1, tmp_path)


@pytest.fixture
def deploy(farm: list[str]) -> list[str]:
    """The same machine, logged in to as an ordinary user."""
    return [*farm, "-e", "ansible_user=deploy"]


def test_a_full_disk_keeps_the_old_state(
    machine: Machine, farm: list[str], command: Command, tmp_path: Path
) -> None:
    lay(tmp_path / "src", NEW)
    done = command("sync", *farm, "all", "src/", "/full")
    result = json.loads(done.stdout)["hosts"]["h001"]
    assert (done.returncode, result["status"]) == (3, "failed")
    said = result["error"]["message"]
    assert said == "nothing was changed: unpacking: tar: t/a: No space left on device"
    assert machine.sh(ALL.format("/full")) == "old\nold\na\nb\nroot:root\n"


def test_a_read_only_place_is_named(farm: list[str], command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", NEW)
    done = command("sync", *farm, "all", "src/", "/fixed")
    result = json.loads(done.stdout)["hosts"]["h001"]
    assert result["status"] == "failed"
    assert "Read-only file system" in result["error"]["message"]


def test_noexec_matters_nowhere(machine: Machine, farm: list[str], command: Command, tmp_path: Path) -> None:
    lay(tmp_path / "src", {**NEW, "script": a_file(b"#!/bin/sh\n", mode=0o755)})
    assert [statuses(command("sync", *farm, "all", "src/", "/tmp/site")) for _ in range(2)] == [
        {"changed"},
        {"ok"},
    ]
    assert machine.sh("ls -A /tmp/site; stat -c %a /tmp/site/script") == "a\nb\nd\nscript\n755\n"


def test_become_needs_one_named_command(
    machine: Machine, deploy: list[str], command: Command, tmp_path: Path
) -> None:
    lay(tmp_path / "src", NEW)
    machine.sh("echo 'deploy ALL=(root) NOPASSWD: /bin/sh' > /etc/sudoers.d/deploy")
    words = ["sync", *deploy, "-b", "all", "src/", "/srv/secret/site"]
    assert [statuses(command(*words)) for _ in range(2)] == [{"changed"}, {"ok"}]
    assert machine.sh("cd /srv/secret/site; cat b; find . -not -user root") == "newer"
    lay(tmp_path / "src", {**NEW, "b": a_file(b"newest", moment=9)})
    assert [statuses(command(*words)) for _ in range(2)] == [{"changed"}, {"ok"}]
    assert machine.sh("cd /srv/secret/site; cat b; find . -not -user root") == "newest"
    assert statuses(command("sync", *words[1:-4], "all", "src/", "/srv/secret/site")) == {"failed"}
    get = ["get", *deploy, "all", "/srv/secret/site/b", "out"]
    assert statuses(command(*get)) == {"failed"}
    assert statuses(command(*get, "-b")) == {"changed"}
    assert (tmp_path / "out/h001/b").read_text() == "newest"


def test_other_named_commands_install_what_was_put(
    machine: Machine, deploy: list[str], command: Command, tmp_path: Path
) -> None:
    """The recipe of docs/files.md, for those who allow no shell."""
    (tmp_path / "app.conf").write_text("new\n")
    rule = "deploy ALL=(root) NOPASSWD: /usr/bin/install -m 644 stage/app.conf /etc/app/app.conf"
    machine.sh(f"echo '{rule}' > /etc/sudoers.d/deploy")
    refused = json.loads(command("put", *deploy, "-b", "all", "app.conf", "/etc/app/").stdout)
    error = refused["hosts"]["h001"]["error"]
    assert error["kind"] == "become_refused" and "NOPASSWD: /bin/sh" in error["hint"]
    assert machine.sh("ls /etc/app") == ""
    assert statuses(command("put", *deploy, "all", "app.conf", "stage/")) == {"changed"}
    install = "sudo -n install -m 644 stage/app.conf /etc/app/app.conf"
    assert statuses(command("run", *deploy, "all", install)) == {"ok"}
    assert machine.sh("cd /etc/app; cat *; stat -c %U:%a *") == "new\nroot:644\n"
