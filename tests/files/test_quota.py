"""A host on which the user's quota is used up: the old state stands, and the reason is given.

A subvolume of btrfs with a limit: the kernel answers writes to it as it answers those of a user whose quota
is exhausted (EDQUOT), and all a kernel needs for it is btrfs itself.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.farm.machine import Machine
from tests.files.commands import Command, hosts, statuses
from tests.files.trees import a_directory, a_file, lay

pytestmark = pytest.mark.needs_root
REASON = "Disk quota exceeded"
_DISK = """
mkdir /limited
truncate -s 128M /disk
mkfs.btrfs -q /disk
"""
_MOUNT = "mount -o loop /disk /limited"
_LIMIT = """
cd /limited
btrfs quota enable .
btrfs -q subvolume create home
btrfs qgroup limit 2M home
mkdir home/dest
echo old > home/dest/a
echo old > home/dest/b
sync
"""
OLD = "a:old\nb:old\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as made:
        made.sh(_DISK)
        mounted = subprocess.run(made.ssh(made.address, _MOUNT), capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(f"no file system with quotas can be mounted here: {mounted.stderr.strip()}")
        made.sh(_LIMIT)
        yield made


@pytest.fixture
def farm(machine: Machine, tmp_path: Path) -> list[str]:
    return hosts(machine, 1, tmp_path)


def standing(machine: Machine) -> str:
    """All that is there, with its content: what is half-written would show."""
    files = "$(find . -type f | sort)"
    return machine.sh(f"cd /limited/home/dest; for f in {files}; do echo ${{f#./}}:$(head -c 9 $f); done")


def the_one(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)["hosts"]["h001"]
    return result


TREES = {
    "a large file": {"a": a_file(b"new" * 1_000_000), "b": a_file(b"newer")},
    "many files": {
        "a": a_file(b"newest"),
        **{f"d{d}": a_directory({f"f{n}": a_file(b"x" * 5000) for n in range(20)}) for d in range(30)},
    },
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_sync(
    machine: Machine, farm: list[str], command: Command, tmp_path: Path, tree: dict[str, Any]
) -> None:
    lay(tmp_path / "src", tree)
    done = command("sync", *farm, "all", "src/", "/limited/home/dest")
    result = the_one(done)
    assert (done.returncode, result["status"]) == (3, "failed")
    assert REASON in result["error"]["message"]
    assert standing(machine) == OLD
    assert machine.sh("ls -A /limited/home") == "dest\n"


def test_put(machine: Machine, farm: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new" * 1_000_000)
    done = command("put", *farm, "all", "a", "/limited/home/dest/")
    result = the_one(done)
    assert (done.returncode, result["status"]) == (3, "failed")
    assert result["error"]["message"] == f"nothing was changed: unpacking: tar: t/a: {REASON}"
    assert standing(machine) == OLD


def test_put_over_sftp(machine: Machine, farm: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new" * 1_000_000)
    done = command("put", *farm, "-e", "hostpool_shell=none", "all", "a", "/limited/home/dest/")
    result = the_one(done)
    assert (done.returncode, result["status"]) == (3, "failed")
    assert result["error"]["message"] == ("a: failed, and the server does not say why: no room, or a quota?")
    assert standing(machine) == OLD


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - copy: {src: a, dest: /limited/home/dest/a}
      ignore_errors: true
    - copy: {content: "{{ 'x' * 3000000 }}", dest: /limited/home/dest/c}
      ignore_errors: true
    - lineinfile: {path: /limited/home/dest/b, line: "{{ 'x' * 3000000 }}"}
"""


def test_in_a_playbook(machine: Machine, farm: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new" * 1_000_000)
    (tmp_path / "site.yml").write_text(PLAY)
    done = command("play", *farm, "site.yml")
    assert done.returncode == 3, done.stderr
    tasks = json.loads(done.stdout)["plays"][0]["tasks"]
    for task in tasks:
        (each,) = task["hosts"].values()
        assert each["status"] == "failed" and REASON in each["result"]["msg"], task
    assert standing(machine) == OLD


def test_what_fits_is_taken_afterwards(
    machine: Machine, farm: list[str], command: Command, tmp_path: Path
) -> None:
    lay(tmp_path / "src", {"a": a_file(b"new"), "b": a_file(b"newer")})
    assert statuses(command("sync", *farm, "all", "src/", "/limited/home/dest")) == {"changed"}
    assert standing(machine) == "a:new\nb:newer\n"
