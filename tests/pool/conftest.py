"""Pools over this machine itself: real worker processes, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool import HostPool


def local_inventory(path: Path, hosts: int) -> str:
    """``h1``, ``h2`` … that are all this machine, without SSH."""
    lines = [f"h{number} ansible_connection=local" for number in range(1, hosts + 1)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def thirty(tmp_path: Path) -> str:
    return local_inventory(tmp_path / "thirty.ini", 30)


@pytest.fixture
def pool(thirty: str) -> Iterator[HostPool]:
    """Three workers, one host each at a time."""
    with HostPool(thirty, workers=3, fanout=3) as pool:
        yield pool
