"""ansible-core and two collections, in an environment of the tests' own, made once and reused."""

from __future__ import annotations

import fcntl
import subprocess
import zipfile
from pathlib import Path

from tests.inventory.conftest import _environment as environment

__all__ = ["collections", "environment", "interpreter", "program"]

PACKAGE = "ansible==12.3.0"
"""The package that carries the collections; of its 54 MB only those below are unpacked."""
COLLECTIONS = ("ansible/posix", "community/general")
NEEDED = "python-debian>=1.0,<2"
"""What modules import on a host (python3-apt they find in the system's own Python)."""


def program(name: str) -> Path:
    """One of Ansible's programs."""
    return environment() / "bin" / name


def interpreter() -> Path:
    """For ansible_python_interpreter: a Python that has what modules import. Safe under pytest-xdist."""
    place = environment()
    ready = place / "needed"
    with open(place / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            subprocess.run([place / "bin" / "pip", "install", "--quiet", NEEDED], check=True)
            ready.touch()
    return place / "bin" / "python"


def collections() -> Path:
    """For ANSIBLE_COLLECTIONS_PATH: ansible.posix and community.general. Safe under pytest-xdist."""
    place = environment()
    found = place / "collections"
    ready = found / "ready"
    with open(place / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            words = ["download", "--quiet", "--no-deps", "--dest", str(found), PACKAGE]
            subprocess.run([place / "bin" / "pip", *words], check=True)
            for wheel in found.glob("*.whl"):
                _unpack(wheel, found)
                wheel.unlink()
            ready.touch()
    return found


def _unpack(wheel: Path, place: Path) -> None:
    wanted = tuple(f"ansible_collections/{name}/" for name in COLLECTIONS)
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(wanted) and "/tests/" not in name]
        archive.extractall(place, members)
