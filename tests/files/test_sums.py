"""Large files are summed by openssl where it works, by the host's own tool for SHA-256 where it does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hostpool.errors import TaskFailed
from hostpool.tasks.fetch import Get
from hostpool.tasks.files import Put, Sync
from hostpool.tasks.files_query import LARGE
from tests.files.hosts import GNU, Host, busybox

WRONG = "printf '%064d *%s\\n' 7 \"$3\""


@pytest.fixture(params=["gnu", "busybox"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "gnu":
        return GNU
    (tmp_path / "busybox").mkdir()
    return busybox(tmp_path / "busybox")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    source = tmp_path / "large"
    source.write_bytes(os.urandom(1 << 20) * (LARGE >> 20) + b"and one more")
    return source


def with_openssl(tmp_path: Path, path: str, script: str) -> Host:
    """A host whose openssl is ``script``; what it is called for stands in ``calls``."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "openssl").write_text(f'#!/bin/sh\necho "$#" >> {tmp_path}/calls\n{script}\n')
    (tools / "openssl").chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    return Host(home, f"{tools}:{path}")


def real() -> str:
    openssl = shutil.which("openssl")
    assert openssl is not None, "tests need openssl"
    return f'exec {openssl} "$@"'


def test_a_large_file_is_summed_by_openssl_there_and_back(tmp_path: Path, path: str, large: Path) -> None:
    host = with_openssl(tmp_path, path, real())
    assert host.run(Put((str(large),), "f")).status == "changed"
    assert host.run(Put((str(large),), "f")).status == "ok"
    assert host.run(Get(("f",), str(tmp_path / "out"))).status == "changed"
    assert (tmp_path / "out/host/f").read_bytes() == large.read_bytes()
    # a trial each time, and the file: of what arrived, of what was there, of what came back
    assert len((tmp_path / "calls").read_text().split()) == 7


def test_a_small_file_is_not(tmp_path: Path, path: str) -> None:
    (tmp_path / "small").write_bytes(b"x" * 1000)
    host = with_openssl(tmp_path, path, real())
    host.run(Put((str(tmp_path / "small"),), "f"))
    host.run(Get(("f",), str(tmp_path / "out")))
    assert not (tmp_path / "calls").exists()


def test_large_and_small_together(tmp_path: Path, path: str, large: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    large.rename(tree / "large")
    (tree / "odd\nname").write_bytes((tree / "large").read_bytes())
    (tree / "small").write_bytes(b"small")
    host = with_openssl(tmp_path, path, real())
    assert host.run(Sync(f"{tree}/", "there", checksum=True)).status == "changed"
    assert host.run(Sync(f"{tree}/", "there", checksum=True)).status == "ok"
    with (host.home / "there/large").open("r+b") as file:
        file.write(b"different")
    os.utime(host.home / "there/large", ns=(1, (tree / "large").stat().st_mtime_ns))
    outcome = host.run(Sync(f"{tree}/", "there", checksum=True))
    assert outcome.result is not None and outcome.result["sent"] == 1


@pytest.mark.parametrize("script", ["exit 1", "echo FIPS mode: refused >&2; exit 0", WRONG])
def test_an_openssl_that_does_not_work_is_left_alone(
    tmp_path: Path, path: str, large: Path, script: str
) -> None:
    host = with_openssl(tmp_path, path, script)
    assert host.run(Put((str(large),), "f")).status == "changed"
    assert (host.home / "f").read_bytes() == large.read_bytes()
    assert host.run(Put((str(large),), "f")).status == "ok"
    assert len((tmp_path / "calls").read_text().split()) == 3


def test_what_openssl_says_counts(tmp_path: Path, path: str, large: Path) -> None:
    """It told the sum of nothing, and has another opinion of the file."""
    nothing = f"[ -t 0 ] || [ -s /dev/stdin ] || {{ {real()}; }}"
    host = with_openssl(tmp_path, path, f"{nothing}\n{WRONG}")
    with pytest.raises(TaskFailed, match="not what was sent"):
        host.run(Put((str(large),), "f"))
    assert list(host.home.iterdir()) == []
