"""A few small files by one perl on the host: as tar would, whole or not at all, and nothing left behind."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import TaskFailed, Unreachable
from hostpool.sync import tarball
from hostpool.tasks import Sync
from hostpool.tasks.local import Scan
from hostpool.tasks.mirror import few
from hostpool.worker.transfers import Transfers
from tests.farm import wait_until
from tests.files.hosts import GNU, Host, look, look_below
from tests.files.trees import CONTENTS, MODES, NAMES, TIMES, a_directory, a_file, laid_out, lay
from tests.patience import AMPLE

OLD = {"a": a_file(b"old" * 500), "d": a_directory({"x": a_file(b"old", mode=0o600), "y": a_file(b"stays")})}
NEW = {
    "a": a_file(b"new" * 500, 0o640, 6),
    "d": a_directory({"x": a_file(b"new", 0o600, 6), "y": a_file(b"stays")}),
}


@pytest.fixture(scope="module")
def userland() -> tuple[str, str]:
    """That of a host with perl."""
    return GNU, "/bin/sh"


FEW = st.dictionaries(NAMES, st.tuples(st.just("file"), MODES, TIMES, CONTENTS), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=FEW, after=FEW)
def test_in_one_trip_what_tar_would_do(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whatever names, modes, times and contents."""
    both = {**before, **after}
    trees = {**both, "d": a_directory(both)}, {**before, "d": a_directory(before)}
    with laid_out(*trees, "dest") as (home, source), closing(Transfers()) as transfers:
        host = Host(home, transfers=transfers)
        host.run(Sync(f"{source}/", "dest"))
        assert host.trips <= 2 + any(node[1] & 0o6000 for node in before.values())
        assert look(home / "dest") == look(source)
        assert not list(home.glob("**/.hostpool-*"))


def test_what_the_account_sets_for_perl_is_put_aside(host: Host, tmp_path: Path) -> None:
    lay(host.home / "dest", OLD)
    lay(tmp_path / "src", {**NEW, "a": a_file(bytes(range(256)), moment=6)})
    host.limits = "export PERL_UNICODE=SDA PERL5OPT=-Mno_such_module PERL5LIB=/nowhere LC_ALL=C.UTF-8; "
    host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert host.trips == 2


@pytest.mark.parametrize("moment", [1 << 33, -5])
def test_times_that_take_other_numbers(host: Host, tmp_path: Path, moment: int) -> None:
    lay(host.home / "dest", OLD)
    lay(tmp_path / "src", {**NEW, "a": a_file(b"new", moment=moment)})
    host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert look(host.home / "dest") == look(tmp_path / "src")
    assert host.trips == 3, "perl leaves them to tar"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(share=st.floats(0, 0.999))
def test_cut_at_any_byte(share: float) -> None:
    with laid_out(NEW, OLD, "probe", "dest") as (home, source), closing(Transfers()) as transfers:
        host = Host(home, transfers=transfers)
        host.run(Sync(f"{source}/", "probe"))
        before, cut = look_below(home / "dest"), max(1, int(host.sent * share))
        broken = Host(home, cut=cut, lost=2, transfers=transfers)
        with suppress(Unreachable):
            broken.run(Sync(f"{source}/", "dest"))
        if host.sent - cut <= tarball.BLOCK:
            assert look(home / "dest") == look(source)
        else:
            assert look_below(home / "dest") == before
        assert not list(home.glob("**/.hostpool-*"))


def test_no_room_on_the_host(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", {"big": a_file(b"x" * 200_000), "small": a_file(b"x")})
    lay(host.home / "dest", {"small": a_file(b"old", moment=4)})
    before = look_below(host.home / "dest")
    host.limits = "ulimit -f 64; trap '' XFSZ; "
    with pytest.raises(TaskFailed, match=r"nothing was changed: unpacking: tar: .*: File too large"):
        host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert host.trips == 3, "perl has met it first"
    assert look_below(host.home / "dest") == before


def test_a_source_that_cannot_be_read_is_named(host: Host, tmp_path: Path) -> None:
    lay(tmp_path / "src", NEW)
    lay(host.home / "dest", OLD)
    task = Sync(f"{tmp_path}/src/", "dest")
    host.transfers.perform(Scan(key=task.key, paths=(task.src,)), "host", None)  # type: ignore[arg-type]  # not told
    (tmp_path / "src/d/x").unlink()
    outcome = host.run(task)
    assert outcome.status == "failed" and outcome.result is not None and outcome.result["failed"] == ["d/x"]
    assert (host.home / "dest/a").read_bytes() == b"new" * 500
    assert (host.home / "dest/d/x").read_bytes() == b"old"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_ended_while_it_waits_for_more(host: Host, number: signal.Signals) -> None:
    dest = host.home / "dest"
    lay(dest, OLD)
    part = few.program([b"a", b"d/x"], {b".": 5}) + tarball.member(b"t/a", 0o644, b"new") + b"x"
    perl = subprocess.Popen(["/bin/sh", "-c", few.PROGRAM, "sh", dest, "", "word"], stdin=subprocess.PIPE)
    assert perl.stdin is not None
    perl.stdin.write(part)
    perl.stdin.flush()
    wait_until(lambda: bool(list(dest.glob(".hostpool-*/*"))), seconds=AMPLE)
    assert [path.name for path in dest.glob(".hostpool-*")] == [f".hostpool-{perl.pid}.word"]
    perl.send_signal(number)
    assert perl.wait(AMPLE) == 130
    perl.stdin.close()
    assert not list(dest.glob(".hostpool-*"))
    assert (dest / "a").read_bytes() == b"old" * 500


def test_one_in_the_way_of_its_directory(host: Host, tmp_path: Path) -> None:
    """A file takes the place of a directory, as it was not when the host was asked: nothing is followed."""
    lay(host.home / "dest", OLD)
    lay(tmp_path / "src", NEW)
    swapped = f"cd {host.home}/dest && mv d ../kept && ln -s ../kept d; "
    host.limits = f'[ -e {tmp_path}/once ] && {{ {swapped} }}; touch {tmp_path}/once; cd "$HOME"; '
    outcome = host.run(Sync(f"{tmp_path}/src/", "dest"))
    assert outcome.status == "failed" and outcome.result is not None and outcome.result["failed"] == ["d/x"]
    assert (host.home / "kept/x").read_bytes() == b"old"
