"""Listings and plans without a host: streams cut anywhere, what memory a large tree takes."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import TaskFailed
from hostpool.sync import modes, tarball
from hostpool.sync.compare import PLAIN, Compare, Rules
from hostpool.sync.listing import MARK, Listing, Record
from hostpool.sync.tree import DIRECTORY, FILE, Tree
from hostpool.sync.untar import MARK as TAR_MARK
from hostpool.sync.untar import TRAILER, Member, Untar

GNU = (
    b"Last login: today\n" + MARK + b"\nfind=gnu\nstate=dir\nleftover=.hostpool-1.a\n\n"
    b"d 755 4096 10.5 .\x000 0 7 1 2 \0"
    b"f 644 3 11.0000000000 ./a b\n//c\x001 2 7 2 1 \0"
    b"l 777 1 12.0 ./l\x000 0 7 3 1 to\nhere\0"
    b"SUM "
    + b"\0"
    + b"a" * 64
    + b"  ./x\n"
    + b"b" * 64
    + b" *./y z\n\0./odd\nname\0"
    + b"c" * 64
    + b"  -\n\0END 0\0"
)
STAT = (
    MARK + b"\nfind=stat\n\n//41ed 4096 10 0 0 7 1 2 .\n"
    b"//81a4 3 11 1 2 7 2 1 ./a b\n/c\n//a1ff 1 12 0 0 7 3 1 ./l\n\0"
    b"./l\0to\nhere\0END 1\0"
)  # fmt: skip


def read(data: bytes, cuts: list[int]) -> tuple[Listing, list[Record]]:
    found: list[Record] = []
    listing = Listing(found.append)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        listing.feed(data[start:end])
    return listing, found


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 600), max_size=8))
def test_listings_arrive_in_any_pieces(cuts: list[int]) -> None:
    listing, found = read(GNU, cuts)
    assert [record.path for record in found] == [b".", b"a b\n//c", b"l"]
    assert found[1] == Record(b"a b\n//c", FILE, 0o644, 3, 11, 1, 2, 7, 2, 1)
    assert found[2].link == b"to\nhere" and listing.status == 0
    assert listing.sums == {b"x": "a" * 64, b"y z": "b" * 64, b"odd\nname": "c" * 64}
    listing, found = read(STAT, cuts)
    assert {record.path: record.link for record in found} == {b".": b"", b"a b\n/c": b"", b"l": b"to\nhere"}
    assert listing.status == 1 and listing.whole


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=300), cut=st.integers(0, 300))
def test_garbage_is_an_error_or_nothing(junk: bytes, cut: int) -> None:
    for data in (GNU[:cut] + junk, STAT[:cut] + junk):
        try:
            listing, _ = read(data, [])
            assert listing.whole in (True, False)
        except TaskFailed as error:
            assert error.kind == "bad_reply"


class Taken:
    def __init__(self) -> None:
        self.files: list[tuple[Member, bytes]] = []
        self.rest = b""

    def begin(self, member: Member, /) -> None:
        self.files.append((member, b""))

    def data(self, data: bytes | memoryview, /) -> None:
        member, before = self.files[-1]
        self.files[-1] = (member, before + bytes(data))

    def end(self) -> None:
        pass

    def after(self, data: bytes, /) -> None:
        self.rest += data


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.binary(min_size=1, max_size=150).filter(lambda name: b"\0" not in name), max_size=4),
    content=st.binary(max_size=1500),
    cuts=st.lists(st.integers(0, 9000), max_size=6),
)
def test_what_tar_packs_untar_reads(names: list[bytes], content: bytes, cuts: list[int]) -> None:
    members = [
        tarball.file_header(name, 0o644, len(content), 5) + content + tarball.padding(len(content))
        for name in names
    ]
    stream = b"motd\n" + TAR_MARK + b"".join(members) + tarball.END + bytes(4096) + TRAILER + b"end"
    taken = Taken()
    untar = Untar(taken)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        untar.feed(stream[start:end])
    assert [(member.name, data) for member, data in taken.files] == [(name, content) for name in names]
    assert untar.whole and taken.rest == b"end"


@settings(max_examples=40, deadline=None)
@given(junk=st.binary(min_size=512, max_size=2048))
def test_no_garbage_passes_for_tar(junk: bytes) -> None:
    with pytest.raises(TaskFailed):
        Untar(Taken()).feed(TAR_MARK + b"\x01" + junk)


def test_memory_for_large_trees_is_bounded() -> None:
    """A tree costs some 400 bytes an entry, once; a host that is equal next to nothing."""
    number = 50_000
    tracemalloc.start()
    tree = Tree()
    for n in range(number):
        tree.add(b"directory/%07d/name" % n, FILE, 0o644, 100, 5, -1)
    tree.expected()
    here, _ = tracemalloc.get_traced_memory()
    compare = Compare(tree, PLAIN)
    known = compare.known()
    tracemalloc.reset_peak()
    for n in range(number):
        assert known(b"f 644 100 5.0000000000 ./directory/%07d/name" % n)
    assert compare.plan().empty
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert here / number < 600 and (peak - here) / number < 12


def test_deleting_names_whole_directories_once() -> None:
    tree = Tree()
    tree.add(b"keep", FILE, 0o644, 1, 5, -1)
    compare = Compare(tree, Rules(delete=True))
    for path, kind in ((b".", DIRECTORY), (b"old", DIRECTORY), (b"old/a", FILE), (b"x", FILE)):
        compare.add(Record(path, kind, 0o644, 1, 5, 0, 0, 1, 1, 1))
    plan = compare.plan()
    assert (plan.delete, plan.delete_total, plan.remote_total) == ([b"old", b"x"], 3, 4)


@pytest.mark.parametrize(
    "text, mode, directory, result",
    [
        ("644", 0o777, False, 0o644),
        ("D755,F644", 0o700, True, 0o755),
        ("D755,F644", 0o700, False, 0o644),
        ("u=rwX,go-w", 0o666, False, 0o644),
        ("u=rwX,go=rX", 0o600, True, 0o755),
        ("a+x", 0o644, False, 0o755),
        ("+t", 0o755, True, 0o1755),
    ],
)
def test_changes_of_modes(text: str, mode: int, directory: bool, result: int) -> None:
    assert modes.changed(modes.parse(text), mode, directory) == result
