"""Questions have two forms, of sh and of perl: the answers are the same byte by byte, whatever is there."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.ssh.kept import KeptShell
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.modules.base import Mode
from hostpool.tasks.modules.registry import module
from hostpool.tasks.modules.spec import bind
from hostpool.tasks.modules.writing import Content
from hostpool.tasks.perl import Call, Sub
from hostpool.tasks.shell import program_of
from tests.farm import ThrowAwayUser

NAMES = (
    "plain",
    "with space",
    "new\nline",
    "back\\slash",
    "-dash",
    "qu'ote\"",
    "umläut",
    "\udcff\udcfe",
    "t\tab",
)


PLAIN = Mode()


class Perl:
    """The words of a kept shell, to a sh that runs here."""

    def __init__(self, *before: str, cwd: Path | None = None) -> None:
        self._shell = KeptShell(None, None)  # type: ignore[arg-type]  # only its words are wanted
        self._process = subprocess.Popen(
            [*before, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd
        )

    def __enter__(self) -> Perl:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, request: Run) -> bytes | None:
        """None: it says nothing of that."""
        assert self._process.stdin
        assert self._process.stdout
        words, mark = self._shell.question("exit 9", request.perl)
        self._process.stdin.write(words)
        self._process.stdin.flush()
        said = b""
        while not said.endswith((mark + b" told\n", mark + b" again\n")):
            piece = os.read(self._process.stdout.fileno(), 1 << 20)
            assert piece, said
            said += piece
        answer, _, end = said.rpartition(mark)
        return answer if end == b" told\n" else None


def by_sh(request: Run, *before: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    program = program_of(request).encode("utf-8", "surrogateescape")
    return subprocess.run([*before, "sh", "-c", program], capture_output=True, check=False, cwd=cwd)


def first_of(name: str, args: Mapping[str, Any], mode: Mode = PLAIN) -> Run:
    """What the module asks first."""
    found = module(name)
    steps = found.run(bind(found.spec, args), mode)
    request = next(steps)
    steps.close()
    assert isinstance(request, Run)
    return request


def questions(path: str) -> Iterator[Run]:
    plain = {"get_mime": False, "get_attributes": False}
    yield first_of("file", {"path": path, "state": "directory"})
    yield first_of("file", {"path": path, "state": "absent"})
    for follow in (True, False):
        yield first_of("file", {"path": path, "follow": follow})
        for algorithm in ("sha1", "md5", "sha256", "sha512"):
            yield first_of("stat", {"path": path, "follow": follow, "checksum_algorithm": algorithm, **plain})
        yield first_of("stat", {"path": path, "follow": follow, "get_checksum": False, **plain})
        for mode in (Mode(), Mode(diff=True)):
            for dest in (path, f"{path}/"):
                copy = {
                    "dest": dest,
                    "follow": follow,
                    "content": "x",
                    "_content": Content.of(b"x"),
                    "_name": "plain",
                }
                yield first_of("copy", copy, mode)
    yield first_of("lineinfile", {"path": path, "line": "x"})
    yield first_of("replace", {"path": path, "regexp": "x"})


def compare(path: str, perl: Perl, *before: str, cwd: Path | None = None) -> None:
    for request in questions(path):
        assert request.perl, request.args
        expected, told = by_sh(request, *before, cwd=cwd), perl.ask(request)
        if told is None:
            assert expected.returncode or expected.stderr, (path, request.args)
        else:
            assert (expected.returncode, expected.stderr) == (0, b"")
            assert told == expected.stdout, (path, request.args)


@contextlib.contextmanager
def somewhere() -> Iterator[Path]:
    above = Path(tempfile.mkdtemp())
    try:
        (above / "place").mkdir()
        yield above / "place"
    finally:
        shutil.rmtree(above, ignore_errors=True)


def make(path: Path, kind: str, mode: int, content: bytes, target: str) -> None:
    if os.path.lexists(path):
        return
    if kind == "link":
        path.symlink_to(target)
        return
    if kind == "file":
        path.write_bytes(content)
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(bytes(path))
    path.chmod(mode)


# No link leads below itself: readlink -f of coreutils follows such a one without end.
ENTRY = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["file", "file", "directory", "link", "link", "fifo", "socket"]),
    st.sampled_from([0o755, 0o644, 0o000, 0o4755, 0o2750, 0o1777, 0o600, 0o111]),
    st.binary(max_size=300),
    st.sampled_from([*NAMES, ".", "..", "nowhere", "/bin/sh/below", "loop", "/bin/sh"]),
)


@settings(max_examples=15)
@given(st.lists(ENTRY, max_size=6))
def test_both_say_the_same_of_whatever_is_there(entries: list[tuple[str, str, int, bytes, str]]) -> None:
    with somewhere() as place, Perl() as perl:
        (place / "loop").symlink_to("loop")
        for name, kind, mode, content, target in entries:
            make(place / name, kind, mode, content, target)
        for name in {entry[0] for entry in entries} | {"loop", "nothing", ""}:
            compare(f"{place}/{name}", perl)


def test_both_begin_where_they_are_started(tmp_path: Path) -> None:
    make(tmp_path / "plain", "file", 0o640, b"here", "")
    with Perl(cwd=tmp_path) as perl:
        for path in ("plain", "./plain", "nothing", ".", "-dash"):
            compare(path, perl, cwd=tmp_path)


def test_devices_and_what_the_system_has() -> None:
    with Perl() as perl:
        for path in ("/", "/dev/null", "/dev/zero", "/dev/tty", "/dev/pts/ptmx", "/sys"):
            compare(path, perl)


NO_DIGESTS = Sub("none", 'sub hp_none { unshift @INC, sub { die if $_[1] eq "Digest/SHA.pm"; return } }')


def test_a_perl_without_digests_has_tools_compute_them(tmp_path: Path) -> None:
    make(tmp_path / "new\nline", "file", 0o644, b"content", "")
    with Perl() as perl:
        empty = perl.ask(Run(effect=Effect.QUERY, program="", perl=(Call(NO_DIGESTS),)))
        assert empty == b""
        compare(str(tmp_path / "new\nline"), perl)


@pytest.mark.parametrize("size", [0, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_files_of_all_sizes(tmp_path: Path, size: int) -> None:
    make(tmp_path / "file", "file", 0o644, b"x" * size, "")
    with Perl() as perl:
        compare(str(tmp_path / "file"), perl)


@pytest.mark.needs_root
def test_what_may_not_be_read_or_has_an_owner_without_a_name(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for above in tmp_path.parents:
        if (
            above.owner() == "root"
            and above != Path("/")
            and str(above).startswith(tempfile.gettempdir() + "/")
        ):
            above.chmod(0o755)
    make(tmp_path / "secret", "file", 0o600, b"of root", "")
    make(tmp_path / "closed", "directory", 0o700, b"", "")
    make(tmp_path / "closed/inside", "file", 0o644, b"", "")
    make(tmp_path / "list", "link", 0, b"", "closed/inside")
    make(tmp_path / "run", "file", 0o711, b"", "")
    make(tmp_path / "nobodys", "file", 0o644, b"", "")
    os.chown(tmp_path / "nobodys", 3_999_999_999, 3_999_999_998)
    with ThrowAwayUser() as user:
        before = ("setpriv", "--reuid", str(user.uid), "--regid", str(user.gid), "--clear-groups")
        with Perl(*before, cwd=Path("/")) as perl:
            for name in ("secret", "closed", "closed/inside", "list", "run", "nobodys"):
                compare(str(tmp_path / name), perl, *before, cwd=Path("/"))
