"""Every contestant: how a command is run on many hosts with it, and what is not equal about it."""

from __future__ import annotations

import glob
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.ground import PEERS, ROOT, Ground


@dataclass(frozen=True)
class Job:
    """``fanout``: hosts in flight, for all tools that know a bound. ``live``: lines as they come."""

    hosts: int
    command: str
    fanout: int
    port: int
    live: bool = False


Words = list[str]
Build = Callable[[Ground, Job], tuple[Words, Mapping[str, str]]]


@dataclass(frozen=True)
class Tool:
    """``slow``: several times slower than the others; fewer rounds will do."""

    name: str
    build: Build
    unequal: str = ""
    slow: bool = False


def venv(name: str, program: str) -> str:
    """A program of one of the benchmark's own environments, which tests/bench/run makes."""
    return str(ROOT / f".venv-bench-{name}" / "bin" / program)


def hostpool() -> str:
    return str(Path(sys.executable).parent / "hostpool")


def _hostpool(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
    live = ["--stream"] if job.live else []
    words = [hostpool(), "run", "-i", str(ground.inventory(job.hosts, job.port)), "-F", "none",
             "-f", str(job.fanout), "-T", "60", "-o", "plain", *live, "all", "--", job.command]  # fmt: skip
    return words, {}


def _peer(name: str, script: str) -> Build:
    def build(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
        spec = ground.peer_spec(job.hosts, job.port, job.command, job.fanout)
        return [venv(name, "python"), str(PEERS / script), str(spec)], {}

    return build


def _pyinfra(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
    inventory = str(ground.pyinfra_inventory(job.hosts, job.port))
    words = [venv("pyinfra", "pyinfra"), "-y", "--parallel", str(job.fanout), inventory, "exec", "--",
             job.command]  # fmt: skip
    return words, {}


def _clush(same: bool) -> Build:
    def build(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
        config = ground.ssh_config(job.port, same=same)
        words = ["clush", "-S", "-f", str(job.fanout), "-o", f"-F {config}",
                 "--hostfile", str(ground.hosts_file(job.hosts)), job.command]  # fmt: skip
        return words, {}

    return build


def _pdsh(same: bool) -> Build:
    def build(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
        config = ground.ssh_config(job.port, same=same)
        words = ["pdsh", "-S", "-R", "ssh", "-f", str(job.fanout), "-w", f"^{ground.hosts_file(job.hosts)}",
                 job.command]  # fmt: skip
        return words, {"PDSH_SSH_ARGS": f"-F {config} %h", "PDSH_SSH_ARGS_APPEND": ""}

    return build


def _pssh(same: bool) -> Build:
    def build(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
        config = ground.ssh_config(job.port, same=same)
        program = shutil.which("parallel-ssh") or "pssh"
        shows = ["-P"] if job.live else []
        words = [program, "-h", str(ground.hosts_file(job.hosts)), "-p", str(job.fanout), "-t", "0",
                 "-x", f"-F {config}", *shows, job.command]  # fmt: skip
        return words, {}

    return build


def ansible_environment(ground: Ground, fanout: int, *, mitogen: bool = False) -> dict[str, str]:
    """Pipelining, persistent connections, as many forks as the others have hosts in flight."""
    control = ground.home / "cp"
    control.mkdir(exist_ok=True)
    settings = {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(fanout),
        "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s -F /dev/null",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(control),
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_TIMEOUT": "60",
        "ANSIBLE_HOME": str(ground.home / ".ansible"),
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }
    if mitogen:
        pattern = str(ROOT / ".venv-bench-ansible/lib/python*/site-packages/ansible_mitogen/plugins/strategy")
        settings["ANSIBLE_STRATEGY_PLUGINS"] = glob.glob(pattern)[0]  # noqa: PTH207 -- a pattern from the root
        settings["ANSIBLE_STRATEGY"] = "mitogen_linear"
    return settings


def _ansible(module: str) -> Build:
    def build(ground: Ground, job: Job) -> tuple[Words, Mapping[str, str]]:
        words = [venv("ansible", "ansible"), "all", "-i", str(ground.inventory(job.hosts, job.port)),
                 "-m", module, "-a", job.command]  # fmt: skip
        return words, ansible_environment(ground, job.fanout)

    return build


OURS = "hostpool"
AS_SHIPPED = "OpenSSH's own key exchange (post-quantum where it has it), which costs more CPU"
SAME = "the same key exchange and cipher as hostpool by options of ssh"

TOOLS = (
    Tool(OURS, _hostpool, "host keys verified; history written"),
    Tool("Fabric", _peer("fabric", "fabric_run.py"), "no bound: all hosts at once; takes any host key"),
    Tool("pyinfra", _pyinfra),
    Tool("asyncssh script", _peer("asyncssh", "asyncssh_run.py"), "a script of 30 lines, no tool"),
    Tool(
        "parallel-ssh library",
        _peer("parallel-ssh", "parallel_ssh_run.py"),
        "a library in C below Python; takes any host key",
    ),
    Tool("paramiko script", _peer("fabric", "paramiko_run.py"), "a script of 30 lines, no tool"),
    Tool("clush, same key exchange", _clush(True), SAME),
    Tool("pdsh, same key exchange", _pdsh(True), SAME),
    Tool("pssh, same key exchange", _pssh(True), SAME),
    Tool("clush", _clush(False), AS_SHIPPED, slow=True),
    Tool("pdsh", _pdsh(False), AS_SHIPPED, slow=True),
    Tool("pssh", _pssh(False), AS_SHIPPED, slow=True),
    Tool("ansible -m raw", _ansible("raw"), AS_SHIPPED, slow=True),
    Tool("ansible -m command", _ansible("command"), AS_SHIPPED + "; runs Python on the hosts", slow=True),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
