"""What goes wrong on the way: nothing half-written at a final name, every failed path named."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import TaskFailed
from hostpool.sync.tree import Tree
from hostpool.tasks import Get, Put, Sync
from hostpool.tasks.local import Pack, Packed, Scan
from hostpool.worker.packs import PackSource
from hostpool.worker.scan import scan
from hostpool.worker.spool import Spool
from hostpool.worker.transfers import Transfers
from tests.files.hosts import GNU, Host, look, look_below
from tests.files.trees import a_directory, a_file, laid_out, lay

OLD = {"a": a_file(b"old" * 500), "d": a_directory({"x": a_file(b"old", mode=0o600)})}
NEW = {
    "a": a_file(b"new" * 500, mode=0o640, moment=6),
    "d": a_directory(
        {"x": a_file(b"new", mode=0o600, moment=6), "l": ("link", "../a")}, mode=0o700, moment=6
    ),
    "e": a_directory({"y": a_file(b"y" * 2000, moment=6)}, moment=6),
}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(share=st.floats(0, 0.999))
def test_cut_at_any_byte(userland: tuple[str, str], share: float) -> None:
    with laid_out(NEW, OLD, "probe", "dest") as (home, source), closing(Transfers()) as transfers:
        host = Host(home, *userland, transfers=transfers)
        host.run(Sync(f"{source}/", "probe"))
        cut = max(1, int(host.sent * share))
        broken = Host(home, *userland, cut=cut, transfers=transfers)
        # the end of the archive is padding: what comes before the script's last byte is what counts
        before = look_below(home / "dest")
        try:
            broken.run(Sync(f"{source}/", "dest"))
            assert host.sent - cut <= 2048
            assert look(home / "dest") == look(source)
        except TaskFailed:
            assert look_below(home / "dest") == before
        assert not list(home.glob("**/.hostpool-*"))
        host.run(Sync(f"{source}/", "dest"))
        assert look(home / "dest") == look(source)


def test_no_room_on_the_host(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"big": a_file(b"x" * 200_000), "small": a_file(b"x")})
    lay(host.home / "dest", {"small": a_file(b"old", moment=4)})
    before = look_below(host.home / "dest")
    host.limits = "ulimit -f 64; trap '' XFSZ; "
    with pytest.raises(TaskFailed, match=r"nothing was changed: unpacking: tar: .*: File too large"):
        host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert look_below(host.home / "dest") == before


@pytest.mark.needs_root
def test_permission_denied_on_one_of_many(userland: tuple[str, str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        top.chmod(0o755)
        home = top / "home"
        lay(
            top / "src",
            {
                "ours": a_directory({"f": a_file(b"f")}),
                "theirs": a_directory({"f": a_file(b"f"), "g": a_file(b"g")}),
            },
        )
        home.mkdir()
        lay(home / "dest", {"theirs": a_directory({"f": a_file(b"old", moment=4)})})
        for path in (home, home / "dest"):
            os.chown(path, 65534, 65534)
        host = Host(home, *userland, user=65534)
        outcome = host.run(Sync(f"{top}/src/", "dest"))
        assert outcome.status == "failed" and outcome.error is not None and outcome.result is not None
        assert set(outcome.result["failed"]) >= {"theirs/f", "theirs/g"}
        assert (home / "dest/ours/f").read_bytes() == b"f"
        assert (home / "dest/theirs/f").read_bytes() == b"old"
        assert not list(home.glob("**/.hostpool-*"))
        host.transfers.close()


@pytest.mark.needs_root
def test_a_target_that_cannot_be_written(userland: tuple[str, str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        top.chmod(0o755)
        lay(top / "home", {"dest": a_directory({})})
        (top / "f").write_text("f")
        host = Host(top / "home", *userland, user=65534)
        with pytest.raises(TaskFailed, match="Permission denied"):
            host.run(Put((f"{top}/f",), "dest/"))
        host.transfers.close()


def test_leftovers_of_a_killed_run_go(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a")})
    lay(
        host.home / "dest",
        {
            "a": a_file(b"a"),
            ".hostpool-999999999.abc": a_directory({"t": a_file(b"half", mode=0o600)}, mode=0o700),
        },
    )
    outcome = host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert not list(host.home.glob("**/.hostpool-*"))
    assert look(host.home / "dest") == look(tmp_path / "src") and outcome.status in ("ok", "changed")


def test_a_source_that_cannot_be_read_is_named(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"a": a_file(b"a"), "b": a_file(b"b")})
    task = Sync(f"{tmp_path}/src/", "dest", delete=True)
    host.transfers.perform(Scan(key=task.key, paths=(task.src,)), "host", None)  # type: ignore[arg-type]  # not told
    (tmp_path / "src/b").unlink()
    outcome = host.run(task)
    assert outcome.status == "failed" and outcome.result is not None and outcome.result["failed"] == ["b"]
    assert (host.home / "dest/a").read_bytes() == b"a" and not (host.home / "dest/b").exists()


def test_a_large_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """The stream stays as long as its header said, and the file is not taken for whole."""
    large = tmp_path / "large"
    large.write_bytes(os.urandom(3 << 20))
    tree: Tree = scan(Scan(key="k", paths=(str(large),)))
    told: list[Packed] = []

    def tail(packed: Packed) -> bytes:
        told.append(packed)
        return b""

    spool = Spool("0" * 16)
    request = Pack(key="k", tree=tree, numbers=[0], need="n", tail=tail, sums=True)
    reading = PackSource(spool, request, {}, lambda done, total: None).open()
    size = len(reading.read(100_000))
    os.truncate(large, 1 << 20)
    while data := reading.read(1 << 18):
        size += len(data)
    reading.close()
    spool.close()
    assert size == 512 + (3 << 20)
    assert told[0].failed == {0: "changed while it was read"} and not told[0].sums


# -- hosts of ill will


def evil(tmp_path: Path, tool: str, script: str) -> Host:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / tool).write_text(f"#!/bin/sh\n{script}\n")
    (tools / tool).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / "f").write_text("content")
    return Host(home, f"{tools}:{GNU}")


def test_names_that_lead_out_are_refused(tmp_path: Path) -> None:
    listed = r"""[ "$1" = . ] && exit 0; printf 'f 644 1 5.0 %s/../../../evil\0 0 0 1 1 1 \0' "$1" """
    host = evil(tmp_path, "find", listed)
    with pytest.raises(TaskFailed):
        host.run(Get(("f",), str(tmp_path / "out")))
    assert not (tmp_path / "evil").exists() and not (tmp_path / "out").exists()


def test_members_nobody_asked_for_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "evil").write_text("evil")
    host = evil(tmp_path, "tar", f"cd {tmp_path}/x; exec /bin/tar -cPf - ../evil /etc/passwd")
    outcome = host.run(Get(("f",), str(tmp_path / "out")))
    assert outcome.status == "failed" and outcome.result is not None and outcome.result["failed"] == ["f"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name != "host"]


def test_endless_data_ends(tmp_path: Path) -> None:
    host = evil(tmp_path, "tar", "exec cat /dev/zero")
    with pytest.raises(TaskFailed, match="more than it announced"):
        host.run(Get(("f",), str(tmp_path / "out")))
    assert not list((tmp_path / "out").rglob(".hostpool-*"))


def test_an_endless_list_ends(tmp_path: Path) -> None:
    host = evil(tmp_path, "find", "[ $1 = . ] && exit 0; exec cat /dev/zero | tr '\\0' x")
    with pytest.raises(TaskFailed, match="no end"):
        host.run(Get(("f",), str(tmp_path / "out")))


def test_a_link_fetched_before_leads_nowhere(tmp_path: Path, host: Host) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    lay(host.home / "d", {"sub": ("link", str(outside))})
    host.run(Get(("d",), str(tmp_path / "out")))
    assert (tmp_path / "out/host/d/sub").is_symlink()
    lay(host.home / "d", {"sub": a_directory({"f": a_file(b"f")})})
    outcome = host.run(Get(("d",), str(tmp_path / "out")))
    assert outcome.status == "failed" and not list(outside.iterdir())


def test_wrong_content_is_not_taken(tmp_path: Path) -> None:
    host = evil(tmp_path, "sha256sum", "for f; do printf '%064d  %s\\n' 7 \"$f\"; done")
    outcome = host.run(Get(("f",), str(tmp_path / "out")))
    assert outcome.status == "failed" and not (tmp_path / "out/host/f").exists()
    assert host.run(Get(("f",), str(tmp_path / "out"), verify=False)).status == "changed"
