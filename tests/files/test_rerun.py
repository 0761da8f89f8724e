"""put, get and sync again, from the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.farm import Sshd
from tests.files.commands import Command, hosts, statuses
from tests.files.hosts import look
from tests.files.trees import a_directory, a_file, lay


@pytest.fixture
def farm(sshd: Sshd, tmp_path: Path) -> list[str]:
    return hosts(sshd, 2, tmp_path)


def test_what_failed_is_done_again(farm: list[str], command: Command, tmp_path: Path) -> None:
    """On one of two hosts, with the options and in the directory of then."""
    lay(tmp_path / "src", {"a": a_file(b"a"), "d": a_directory({"b": a_file(b"b")})})
    (tmp_path / "h002").write_text("in the way")
    sync = command("sync", "--subst", *farm, "--chmod", "F600", "all", "src/", f"{tmp_path}/%n")
    assert statuses(sync) == {"changed", "failed"}
    (tmp_path / "h002").unlink()
    assert command("rerun", "--failed", "--list-hosts").stdout == "h002\n"
    again = command("rerun", "--failed", "-o", "json", cwd="/")
    assert (again.returncode, statuses(again)) == (0, {"changed"})
    assert look(tmp_path / "h002") == look(tmp_path / "h001")
    assert (tmp_path / "h002/d/b").stat().st_mode & 0o777 == 0o600

    put = command("put", "--subst", *farm, "all", "src/a", f"{tmp_path}/new-%n/a")
    assert statuses(put) == {"failed"}
    (tmp_path / "new-h001").mkdir()
    assert statuses(command("rerun", "--failed", "-o", "json")) == {"changed", "failed"}
    assert (tmp_path / "new-h001/a").read_bytes() == b"a" and not (tmp_path / "new-h002").exists()

    get = ["get", "--subst", *farm, "all", f"{tmp_path}/%n-only", "out"]
    (tmp_path / "h001-only").write_text("1")
    assert statuses(command(*get)) == {"changed", "failed"}
    (tmp_path / "h002-only").write_text("2")
    assert statuses(command("rerun", "--failed", "-o", "json", cwd="/")) == {"changed"}
    assert (tmp_path / "out/h002/h002-only").read_text() == "2"


def test_other_input_is_not_taken_for_the_same(farm: list[str], command: Command, tmp_path: Path) -> None:
    words = ["put", *farm, "--subst", "all", "-", f"{tmp_path}/later/%n"]
    assert statuses(command(*words, stdin="text")) == {"failed"}
    (tmp_path / "later").mkdir()
    refused = command("rerun", "--failed", stdin="")
    assert refused.returncode == 2 and "changed since run 1" in refused.stderr
    assert list((tmp_path / "later").iterdir()) == []
    assert statuses(command("rerun", "--failed", "-o", "json", stdin="text")) == {"changed"}
    assert [(tmp_path / "later" / name).read_text() for name in ("h001", "h002")] == ["text", "text"]
    run = ["run", *farm, "--stdin", "all", f"cat > {tmp_path}/out; exit 1"]
    assert statuses(command(*run, stdin="text")) == {"failed"}
    assert command("rerun", "--failed", stdin="").returncode == 2
    assert (tmp_path / "out").read_text() == "text"
