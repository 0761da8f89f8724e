"""Files to many hosts: hostpool sync beside rsync, tar over ssh, scp, clush --copy and Ansible."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.ground import Cost, Ground
from tests.bench.race import Contestant, Pace, Table, race
from tests.bench.tools import OURS, SAME, ansible_environment, hostpool, venv

HOSTS, FILES, SIZE = 20, 2000, 8192
MEBIBYTES = 256
FEW = 10
"""Files of the tree for tools that take seconds a file."""


class Trees:
    """A tree to send, and a place of its own on each host for each tool."""

    def __init__(self, ground: Ground, files: int) -> None:
        self.ground = ground
        self.tree = make_tree(ground.directory / "tree", files)
        self.few = make_tree(ground.directory / "few", FEW)
        port = ground.sshd.port
        self.ssh = f"ssh -F {ground.ssh_config(port, same=True)}"
        self.inventory = ground.inventory(HOSTS, port)
        self.addresses = ground.sshd.addresses(HOSTS)

    def ours(self, hosts: int = HOSTS) -> list[str]:
        target = f"{self.ground.stay}/ours-%h"
        inventory = self.ground.inventory(hosts, self.ground.sshd.port)
        return [hostpool(), "sync", "-i", str(inventory), "-F", "none", "-o", "plain", "--subst", "all",
                f"{self.tree}/", target]  # fmt: skip

    def each(self, command: str) -> list[str]:
        """``command`` for all addresses at once, ``{}`` being the address."""
        spread = f"printf '%s\\n' {' '.join(self.addresses)} | xargs -P {HOSTS} -I{{}} sh -c"
        return ["sh", "-c", f"{spread} {shlex.quote(command)}"]

    def rsync(self) -> list[str]:
        return self.each(f"rsync -a -e '{self.ssh}' {self.tree}/ {{}}:{self.ground.stay}/rsync-{{}}/")

    def tar(self) -> list[str]:
        target = f"{self.ground.stay}/tar-{{}}"
        return self.each(
            f"tar -C {self.tree} -cf - . | {self.ssh} {{}} 'mkdir -p {target} && tar -C {target} -xf -'"
        )

    def clush(self) -> list[str]:
        """All hosts are one machine: they get the tree into one and the same place."""
        config = self.ground.ssh_config(self.ground.sshd.port, same=True)
        return ["clush", "-S", "-f", str(HOSTS), "-o", f"-F {config}", "--hostfile",
                str(self.ground.hosts_file(HOSTS)), "--copy", str(self.few),
                "--dest", str(self.ground.stay)]  # fmt: skip

    def ansible(self) -> list[str]:
        arguments = f"src={self.few} dest={self.ground.stay}/ansible-{{{{ inventory_hostname }}}}/"
        return [venv("ansible", "ansible"), "all", "-i", str(self.inventory), "-m", "copy", "-a", arguments]

    def touch(self, number: int) -> None:
        """Five files of the tree get new content."""
        for path in sorted(self.tree.rglob("f*"))[::400][:5]:
            path.write_bytes(os.urandom(SIZE))
            os.utime(path, (number, number))


def make_tree(top: Path, count: int) -> Path:
    for number in range(count):
        directory = top / f"d{number // 100:03}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"f{number:05}").write_bytes(os.urandom(SIZE))
    top.chmod(0o755)
    return top


def sync(ground: Ground, pace: Pace) -> list[Table]:
    """2,000 files of 8 KiB to 20 hosts, fresh, unchanged and with 5 changed; one large file to one host."""
    trees = Trees(ground, FILES // 10 if pace.quick else FILES)
    note = f"{FILES // 10 if pace.quick else FILES:,} files of 8 KiB to {HOSTS} hosts, all in memory"
    changes = 0

    def go(
        words: list[str], before: Callable[[], None], phase: str = "", **how: dict[str, str]
    ) -> Callable[[bool], dict[str, Cost]]:
        def once(memory: bool) -> dict[str, Cost]:
            before()
            return {phase: ground.measure([words], memory=memory, **how)[0]}  # type: ignore[arg-type]  # env

        return once

    def change() -> None:
        nonlocal changes
        changes += 1
        trees.touch(1_700_000_000 + changes)

    def nothing() -> None:
        pass

    few = f"{FEW} files only"
    fresh = [
        Contestant(OURS, go(trees.ours(), ground.wipe)),
        Contestant("rsync, xargs -P", go(trees.rsync(), ground.wipe), SAME),
        Contestant("tar | ssh tar, xargs -P", go(trees.tar(), ground.wipe), SAME),
        Contestant(f"{OURS}, one host", go(trees.ours(1), ground.wipe, phase="one")),
        Contestant(f"clush --copy, {few}", go(trees.clush(), ground.wipe), f"{few}, and all into one place"),
        Contestant(
            f"ansible copy, {few}",
            go(trees.ansible(), ground.wipe, env=ansible_environment(ground, HOSTS)),
            few,
            slow=True,
        ),
    ]
    rows = race(fresh, pace)
    tables = [
        Table("sync-fresh", "a tree, fresh", HOSTS, rows.get("", []), [note]),
        Table("sync-one", "a tree, fresh, to one host", 1, rows.get("one", [])),
    ]
    ground.wipe()
    ground.measure([trees.ours(), trees.rsync()])
    for key, title, before in (("sync-same", "the same tree again", nothing),
                               ("sync-5", "5 files changed", change)):  # fmt: skip
        both = [Contestant(OURS, go(trees.ours(), before)),
                Contestant("rsync, xargs -P", go(trees.rsync(), before), SAME)]  # fmt: skip
        tables.append(Table(key, title, HOSTS, race(both, pace).get("", []), [note]))
    shutil.rmtree(trees.tree)
    ground.wipe()
    return [*tables, _large(ground, pace)]


def _large(ground: Ground, pace: Pace) -> Table:
    mebibytes = MEBIBYTES // 8 if pace.quick else MEBIBYTES
    large = ground.directory / "large"
    with large.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))
    large.chmod(0o644)
    port, address = ground.sshd.port, ground.sshd.addresses(1)[0]
    ours = [hostpool(), "put", "-i", str(ground.inventory(1, port)), "-F", "none", "-o", "plain"]

    def go(words: Sequence[str]) -> Callable[[bool], dict[str, Cost]]:
        def once(memory: bool) -> dict[str, Cost]:
            ground.wipe()
            return {"": ground.measure([words], memory=memory)[0]}

        return once

    def scp(same: bool) -> list[str]:
        config = ground.ssh_config(port, same=same)
        return ["scp", "-q", "-F", str(config), str(large), f"{address}:{ground.stay}/large"]

    rows = race(
        [
            Contestant(f"{OURS} put", go([*ours, "all", str(large), f"{ground.stay}/large"]),
                       "SHA-256 on both ends compared"),
            Contestant(f"{OURS} put --no-verify",
                       go([*ours, "--no-verify", "all", str(large), f"{ground.stay}/large"])),
            Contestant("scp, same key exchange", go(scp(True)), SAME),
            Contestant("scp", go(scp(False)), "OpenSSH's own cipher"),
        ],
        pace,
    )  # fmt: skip
    large.unlink()
    return Table("one-file", f"one file of {mebibytes} MiB to one host", 1, rows.get("", []))
