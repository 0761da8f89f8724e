"""Files to many hosts, side by side with rsync, tar over ssh and scp: ``python -m tests.bench.files``.

One sshd on this machine plays all hosts. Rounds are interleaved, so that what else the machine does hits
all alike; the table shows the median of the rounds, and CPU seconds of all processes here and on the hosts
(sshd and what it runs), which other load hardly changes. All use one key exchange and cipher.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.farm import Sshd

ROOT = Path(__file__).parents[2]
KEX = "curve25519-sha256"
CIPHER = "aes128-gcm@openssh.com"
Contestant = tuple[str, Callable[[], None]]
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, server: Sshd, directory: Path, hosts: int, files: int) -> None:
        self.directory = directory
        self.hosts = hosts
        self.addresses = server.addresses(hosts)
        self.inventory = server.inventory(hosts, directory / "inventory.ini")
        self.tree = directory / "tree"
        make_tree(self.tree, files)
        self.ssh = " ".join(
            ["ssh", *server.ssh_options("-p"), "-o", f"KexAlgorithms={KEX}", "-o", f"Ciphers={CIPHER}"]
        )
        self.user = server.user
        self.server = server
        self.masters = set(children_of(os.getpid()))

    def hostpool(self, *words: str) -> None:
        argv = [sys.executable, "-m", "hostpool", words[0], "-i", str(self.inventory), "-o", "plain",
                *words[1:]]  # fmt: skip
        self.call(argv, env={**os.environ, "PYTHONPATH": str(ROOT), "HOSTPOOL_SYSLOG": "no"})

    def each(self, command: str) -> None:
        """``command`` for all addresses at once, ``{}`` being the address."""
        self.call(
            ["xargs", "-P", str(self.hosts), "-I{}", "sh", "-c", command],
            input="".join(f"{address}\n" for address in self.addresses).encode(),
        )

    def call(self, argv: list[str], *, input: bytes = b"", env: dict[str, str] | None = None) -> None:
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(argv, input=input, stdout=said, stderr=said, env=env, check=False)
            said.seek(0)
            if done.returncode:
                raise RuntimeError(f"{shlex.join(argv)}: exit {done.returncode}: {said.read()[-500:]!r}")

    def cpu(self) -> tuple[float, float]:
        """CPU seconds so far, of what ran here and of what ran on the hosts; both are at rest then."""
        while any(children_of(pid) for pid in self.masters):
            time.sleep(0.005)
        while set(children_of(os.getpid())) - self.masters:
            # workers of ours are no children of the command, but become ours when it ends
            os.waitpid(-1, os.WNOHANG)
            time.sleep(0.005)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime, sum(cpu_of_children(pid) for pid in self.masters)

    def ours(self) -> None:
        self.hostpool("sync", "--subst", "all", f"{self.tree}/", f"{self.directory}/ours/%h")

    def rsync(self) -> None:
        self.each(f"rsync -a -e '{self.ssh}' {self.tree}/ {self.user}@{{}}:{self.directory}/rsync/{{}}/")

    def tar(self) -> None:
        target = f"{self.directory}/tar/{{}}"
        unpack = f"mkdir -p {target} && tar -C {target} -xf -"
        self.each(f"tar -C {self.tree} -cf - . | {self.ssh} {self.user}@{{}} '{unpack}'")

    def wipe(self) -> None:
        for name in ("ours", "rsync", "tar"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir()

    def touch(self, number: int) -> None:
        """Five files of the tree get new content."""
        for path in sorted(self.tree.rglob("f*"))[::400][:5]:
            path.write_bytes(os.urandom(8192))
            os.utime(path, (number, number))


def make_tree(top: Path, files: int) -> None:
    for number in range(files):
        directory = top / f"d{number // 100:03}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"f{number:05}").write_bytes(os.urandom(8192))


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_of_children(pid: int) -> float:
    """Of those that it has waited for, and all that they have."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[13]) + int(words[14])) / _TICKS


Measured = tuple[float, float, float]
"""Wall, and CPU seconds here and on the hosts."""


def rounds(
    bench: Bench, count: int, contestants: list[Contestant], before: Callable[[int], None]
) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {name: [] for name, _ in contestants}
    for number in range(count):
        before(number)
        order = contestants[number % len(contestants) :] + contestants[: number % len(contestants)]
        for name, function in order:
            here, there = bench.cpu()
            began = time.monotonic()
            function()
            wall = time.monotonic() - began
            here_after, there_after = bench.cpu()
            found[name].append((wall, here_after - here, there_after - there))
    return found


def show(title: str, found: dict[str, list[Measured]]) -> None:
    print(f"\n{title}", flush=True)
    for name, values in found.items():
        walls = sorted(wall for wall, _, _ in values)
        here = statistics.median(here for _, here, _ in values)
        there = statistics.median(there for _, _, there in values)
        spread = f"{walls[0]:.2f}–{walls[-1]:.2f}"
        print(
            f"  {name:26} {statistics.median(walls):7.2f} s   {spread:13} "
            f"CPU {here + there:5.2f} s (here {here:.2f}, hosts {there:.2f})",
            flush=True,
        )


def many_files(bench: Bench, count: int) -> None:
    all_three: list[Contestant] = [
        ("hostpool sync", bench.ours),
        ("rsync -a, xargs -P", bench.rsync),
        ("tar | ssh tar, xargs -P", bench.tar),
    ]  # fmt: skip
    show("fresh", rounds(bench, count, all_three, lambda number: bench.wipe()))
    bench.wipe()
    bench.ours()
    bench.rsync()
    show("nothing changed", rounds(bench, count, all_three[:2], lambda number: None))
    show("5 files changed", rounds(bench, count, all_three[:2], bench.touch))


def one_host(bench: Bench, count: int) -> None:
    """CPU for one host, to be compared with that for all."""

    def one() -> None:
        bench.hostpool("sync", "--subst", "h001", f"{bench.tree}/", f"{bench.directory}/ours/%h")

    show("fresh, one host", rounds(bench, count, [("hostpool sync", one)], lambda number: bench.wipe()))


def one_large(bench: Bench, count: int, mebibytes: int) -> None:
    large = bench.directory / "large"
    with large.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))
    address = bench.addresses[0]
    options = " ".join([*bench.server.ssh_options("-P"), "-o", f"KexAlgorithms={KEX}"])

    def wipe(number: int) -> None:
        for path in bench.directory.glob("arrived-*"):
            path.unlink()

    def ours(*more: str) -> Callable[[], None]:
        verb = "sync" if not more else "put"
        flags = [word for word in more if word != "verified"]
        return lambda: bench.hostpool(
            verb, *flags, "h001", str(large), f"{bench.directory}/arrived-{len(more)}{verb}"
        )

    def scp(cipher: str) -> Callable[[], None]:
        where = f"{bench.user}@{address}:{bench.directory}/arrived-scp"
        return lambda: bench.call(shlex.split(f"scp -q {options} {cipher} {large} {where}"))

    show(
        f"one file of {mebibytes} MiB to one host",
        rounds(
            bench,
            count,
            [
                ("hostpool sync", ours()),
                ("hostpool put --no-verify", ours("--no-verify")),
                ("hostpool put", ours("verified")),
                ("scp", scp("")),
                (f"scp, {CIPHER}", scp(f"-o Ciphers={CIPHER}")),
            ],
            wipe,
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--only", choices=("many", "one", "large"), help="this part alone")
    parser.add_argument("--directory", help="where all trees lie; memory (/dev/shm) makes disks no matter")
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    directory = Path(tempfile.mkdtemp(prefix="hostpool-bench-", dir=options.directory))
    try:
        with Sshd() as server:
            bench = Bench(server, directory, options.hosts, options.files)
            print(f"{options.files} files of 8 KiB, {options.hosts} hosts, {options.rounds} rounds")
            if options.only in (None, "many"):
                many_files(bench, options.rounds)
            if options.only in (None, "one"):
                one_host(bench, options.rounds)
            if options.only in (None, "large"):
                one_large(bench, options.rounds, options.mebibytes)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
