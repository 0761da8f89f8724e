"""Files to many hosts, side by side with rsync, tar over ssh and scp: ``python -m tests.bench.files``.

One sshd on this machine plays all hosts. Rounds are interleaved, so that what else the machine does hits
all alike; the table shows the median of the rounds. All use one key exchange and cipher.
"""

from __future__ import annotations

import argparse
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


class Bench:
    def __init__(self, server: Sshd, directory: Path, hosts: int, files: int) -> None:
        self.directory = directory
        self.cpu = 0.0
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
        """Runs it in a session of its own, whose CPU seconds are added up: workers of ours are no
        children that could be waited for."""
        before = cpu_of_children()
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=said, stderr=said, env=env, start_new_session=True
            )
            used: dict[int, float] = {}
            assert child.stdin is not None
            child.stdin.write(input)
            child.stdin.close()
            while child.poll() is None:
                used.update(cpu_of_session(child.pid))
                time.sleep(0.02)
            # sampling misses what is short, waiting misses what is no child
            self.cpu += max(sum(used.values()), cpu_of_children() - before)
            said.seek(0)
            if child.returncode:
                raise RuntimeError(f"{shlex.join(argv)}: exit {child.returncode}: {said.read()[-500:]!r}")

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


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_of_session(session: int) -> dict[int, float]:
    """Pid → CPU seconds so far, of what was started in it."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except OSError:
            continue
        if words and int(words[3]) == session:
            found[int(entry.name)] = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return found


def rounds(
    bench: Bench, count: int, contestants: list[Contestant], before: Callable[[int], None]
) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in contestants}
    for number in range(count):
        before(number)
        order = contestants[number % len(contestants) :] + contestants[: number % len(contestants)]
        for name, function in order:
            bench.cpu, began = 0.0, time.monotonic()
            function()
            found[name].append((time.monotonic() - began, bench.cpu))
    return found


def show(title: str, found: dict[str, list[tuple[float, float]]]) -> None:
    print(f"\n{title}")
    for name, values in found.items():
        walls = sorted(wall for wall, _ in values)
        used = statistics.median(used for _, used in values)
        spread = f"{walls[0]:.2f}–{walls[-1]:.2f}"
        print(f"  {name:26} {statistics.median(walls):7.2f} s   {spread:13} CPU {used:.2f} s")


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
    parser.add_argument("--directory", help="where all trees lie; memory (/dev/shm) makes disks no matter")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="hostpool-bench-", dir=options.directory))
    try:
        with Sshd() as server:
            bench = Bench(server, directory, options.hosts, options.files)
            print(f"{options.files} files of 8 KiB, {options.hosts} hosts, {options.rounds} rounds")
            many_files(bench, options.rounds)
            one_host(bench, options.rounds)
            one_large(bench, options.rounds, options.mebibytes)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
