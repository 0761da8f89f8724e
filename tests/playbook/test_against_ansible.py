"""The same playbook by ansible-playbook and by us: the same state of the host, the same counts.

Each playbook of differential/ runs with both tools, each on a directory of its own (``root``); then the
two directories are compared, and what is counted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.farm import Sshd
from tests.oracles import program

HERE = Path(__file__).parent
PLAYBOOKS = sorted((HERE / "differential").glob("*.yml"))
COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
AGAIN = ("files",)
"""Those that run a second time, in check mode; each run of the other tool takes seconds."""
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Setting:
    inventory: Path
    home: Path


@pytest.fixture(scope="module")
def setting(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    place = tmp_path_factory.mktemp("differential")
    inventory = sshd.inventory(2, place / "hosts.ini")
    with inventory.open("a") as file:
        file.write(f"ansible_python_interpreter={sys.executable}\n")
    return Setting(inventory, place)


def by_ansible(setting: Setting, playbook: Path, root: Path, *more: str) -> Counts:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(setting.home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(setting.home / "ansible"),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    words: list[str | Path] = [program("ansible-playbook"), "-i", setting.inventory]
    words += ["-e", f"root={root}", *more, playbook]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=250,
        check=False,
    )  # fmt: skip
    recap = done.stdout.partition("PLAY RECAP")[2]
    found = {}
    for line in recap.splitlines():
        host = re.match(r"(\S+)\s+: ok=", line)
        if host:
            found[host[1]] = {name: int(re.search(rf"{name}=(\d+)", line)[1]) for name in COLUMNS}  # type: ignore[index]  # all columns are there
    assert found, done.stdout + done.stderr
    return found


def by_us(setting: Setting, playbook: Path, root: Path, *more: str) -> Counts:
    environment = {**os.environ, "HOME": str(setting.home), "PYTHONPATH": str(HERE.parents[1])}
    environment["XDG_CONFIG_HOME"] = environment["XDG_STATE_HOME"] = str(setting.home / "none")
    words = ["-i", setting.inventory, "-F", "none", "-o", "json", "-e", f"root={root}", *more, playbook]
    done = subprocess.run(
        [sys.executable, "-m", "hostpool", "play", *map(str, words)],
        capture_output=True, text=True, env=environment, timeout=250, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    recap: Counts = json.loads(done.stdout)["recap"]
    return recap


def tree(root: Path) -> dict[str, tuple[str, int, str]]:
    """Path → kind, mode and content, the root's own name in it replaced."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode & 0o7777
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", 0, str(path.readlink()).replace(str(root), "ROOT"))
        elif path.is_dir():
            found[name] = ("directory", mode, "")
        else:
            found[name] = ("file", mode, path.read_text("utf-8", "replace").replace(str(root), "ROOT"))
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_both_do_the_same(setting: Setting, playbook: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    if playbook.stem in AGAIN:
        one = ("-l", "h001")
        runs: tuple[tuple[str, ...], ...] = (one, (*one, "-C"))
    else:
        runs = ((),)
    for more in runs:
        assert by_us(setting, playbook, ours, *more) == by_ansible(setting, playbook, theirs, *more)
        assert tree(ours) == tree(theirs)
