"""What it was measured on and with: never a host's name, never a path."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.bench.ground import Ground
from tests.bench.tools import venv

WANTED_FILES = 8192


def check_limits() -> None:
    """Raises SystemExit where 500 ssh processes and their pipes have no room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < WANTED_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(WANTED_FILES, hard), hard))
    if hard < WANTED_FILES:
        raise SystemExit(
            f"{WANTED_FILES} open files are needed and {hard} allowed: ulimit -Hn {WANTED_FILES}"
        )


def facts(ground: Ground) -> dict[str, Any]:
    kex, cipher = ground.kex()
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "processor": _processor(),
        "kernel": re.match(r"[\d.]*\d", platform.release())[0],  # type: ignore[index]  # it begins so
        "python": platform.python_version(),
        "kex": kex,
        "cipher": cipher,
        "versions": versions(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions() -> dict[str, str]:
    from hostpool._version import __version__

    found = {"hostpool": __version__}
    for name, environment in (
        ("ansible-core", "ansible"),
        ("mitogen", "ansible"),
        ("pyinfra", "pyinfra"),
        ("fabric", "fabric"),
        ("paramiko", "fabric"),
        ("parallel-ssh", "parallel-ssh"),
        ("asyncssh", "asyncssh"),
    ):
        code = f"import importlib.metadata as m; print(m.version({name!r}))"
        found[name] = _told([venv(environment, "python"), "-c", code])
    for name, words in (
        ("OpenSSH", ["ssh", "-V"]),
        ("clush", ["clush", "--version"]),
        ("pdsh", ["pdsh", "-V"]),
        ("pssh", ["parallel-ssh", "--version"]),
        ("rsync", ["rsync", "--version"]),
    ):
        number = re.search(r"\d+\.[\w.]+", _told(words))
        found[name] = number[0] if number else "missing"
    return found


def _told(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return "missing"
    said = (done.stdout or done.stderr).strip()
    return said if said and not done.returncode else "missing"
