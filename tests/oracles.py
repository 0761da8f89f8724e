"""ansible-core in an environment of the tests' own, made once and reused."""

from __future__ import annotations

from pathlib import Path

from tests.inventory.conftest import _environment as environment

__all__ = ["environment", "program"]


def program(name: str) -> Path:
    """One of Ansible's programs."""
    return environment() / "bin" / name
