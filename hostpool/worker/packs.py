"""Packs parts of a tree, once for all hosts that need the same, and streams them to each.

Small files are read into the spool together with all headers; large ones are read from where they are,
whenever a host's stream comes to them.
"""

# ruff: noqa: PTH116  # names are bytes, which pathlib does not take

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from hostpool.errors import TaskFailed
from hostpool.sync import tarball
from hostpool.sync.tree import DIRECTORY, LINK, Tree
from hostpool.tasks.base import FileSource
from hostpool.tasks.local import Pack, Packed
from hostpool.worker.spool import Spool, spool_failed

SMALL = 1 << 20
"""Bytes up to which a file is packed; larger ones cost a copy and gain nothing."""
MOST_PACKED = 4 << 30
"""Bytes of small files above which none is packed: the spool is often memory."""
_TRIES = 3
_CHUNK = 256 * 1024

_CHANGED = "changed while it was read"


class Large(msgspec.Struct):
    """A file read anew for each host: what it was when its header was written."""

    number: int
    path: bytes
    size: int
    mtime_ns: int


class Contents(msgspec.Struct):
    """``pieces``: how far to read in the spool's file, then which large file."""

    pieces: list[tuple[int, Large | None]] = []
    failed: dict[int, str] = {}
    sums: dict[int, str] = {}
    total: int = 0


def pack(spool: Spool, request: Pack) -> tuple[Path, Contents]:
    """The packed entries, by us or by whoever was first. Raises TaskFailed when there is no room."""
    directory = spool.open()
    need = f"{request.need}{'s' if request.sums else ''}"
    data, index = directory / f"{need}.data", directory / f"{need}.index"
    with spool.alone(need):
        if not index.exists():
            try:
                with data.open("wb") as file:
                    contents = _Packer(request, file).run()
                new = directory / f"{need}.new"
                new.write_bytes(pickle.dumps(contents))
                new.rename(index)
            except OSError as error:
                raise spool_failed(error) from error
    return data, pickle.loads(index.read_bytes())


class _Packer:
    def __init__(self, request: Pack, file: BinaryIO) -> None:
        self._tree: Tree = request.tree
        self._numbers = request.numbers
        self._sums = request.sums
        self._file = file
        self._contents = Contents()
        sizes = self._tree.sizes
        small = sum(sizes[number] for number in request.numbers if sizes[number] <= SMALL)
        self._small = SMALL if small <= MOST_PACKED else -1

    def run(self) -> Contents:
        tree = self._tree
        directories = []
        for number in self._numbers:
            kind = tree.kinds[number]
            name = b"t/" + tree.paths[number]
            if kind == DIRECTORY:
                directories.append(number)
            elif kind == LINK:
                self._write(tarball.symlink_header(name, tree.links[number], tree.mtimes[number]))
            elif number in tree.groups:
                self._hard_link(number, name)
            else:
                self._regular(number, name)
        for number in reversed(directories):
            # after what is in it, or its time would not last; ours to write in until all is done
            mode = tree.modes[number] | 0o700
            self._write(tarball.directory_header(b"t/" + tree.paths[number], mode, tree.mtimes[number]))
        self._contents.pieces.append((self._file.tell(), None))
        self._contents.total += self._file.tell()
        return self._contents

    def _write(self, data: bytes) -> None:
        self._file.write(data)

    def _hard_link(self, number: int, name: bytes) -> None:
        tree = self._tree
        first = tree.groups[number]
        if first in self._contents.failed:
            self._contents.failed[number] = self._contents.failed[first]
            return
        self._write(
            tarball.hardlink_header(name, b"t/" + tree.paths[first], tree.modes[number], tree.mtimes[number])
        )
        if first in self._contents.sums:
            self._contents.sums[number] = self._contents.sums[first]

    def _regular(self, number: int, name: bytes) -> None:
        tree = self._tree
        path = tree.source(number)
        try:
            if tree.sizes[number] <= self._small:
                data, known = read_steadily(path, self._small)
                if data is not None:
                    self._write(
                        tarball.file_header(name, tree.modes[number], len(data), _seconds(known)) + data
                    )
                    self._write(tarball.padding(len(data)))
                    if self._sums:
                        self._contents.sums[number] = hashlib.sha256(data).hexdigest()
                    return
            else:
                known = os.stat(path, follow_symlinks=False)
        except OSError as error:
            self._contents.failed[number] = f"cannot be read here: {error.strerror}"
            return
        if not stat.S_ISREG(known.st_mode):
            self._contents.failed[number] = _CHANGED
            return
        self._write(tarball.file_header(name, tree.modes[number], known.st_size, _seconds(known)))
        large = Large(number, path, known.st_size, known.st_mtime_ns)
        self._contents.pieces.append((self._file.tell(), large))
        self._contents.total += known.st_size
        self._write(tarball.padding(known.st_size))


def _seconds(known: os.stat_result) -> int:
    return known.st_mtime_ns // 1_000_000_000


def read_steadily(path: bytes, most: int) -> tuple[bytes | None, os.stat_result]:
    """A file's content that was whole at one moment. None: it is larger than ``most`` by now, or not
    at rest. Raises OSError."""
    for _ in range(_TRIES):
        with open_regular(path) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode) or before.st_size > most:
                return None, before
            data = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
        if len(data) == before.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return data, after
    return None, after


def open_regular(path: bytes) -> BinaryIO:
    """Raises OSError; never waits, whatever has taken the file's place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb", buffering=0)


def digest(path: bytes) -> str:
    """SHA-256 of a file. Raises OSError."""
    found = hashlib.sha256()
    with open_regular(path) as file:
        while data := file.read(_CHUNK):
            found.update(data)
    return found.hexdigest()


Sent = Callable[[int, int], None]


class PackSource(FileSource):
    """A packed need as standard input, its last members made for this one host."""

    def __init__(self, spool: Spool, request: Pack, sums: dict[int, str], sent: Sent) -> None:
        super().__init__("the spool")
        self._spool = spool
        self._request = request
        self._sums = sums
        self._sent = sent

    def open(self) -> PackReader:
        data, contents = pack(self._spool, self._request)
        return PackReader(data.open("rb"), contents, self._request, self._sums, self._sent)


class PackReader:
    """``sums`` remembers those of large files, which are made once, as the first host reads them."""

    def __init__(
        self, data: BinaryIO, contents: Contents, request: Pack, sums: dict[int, str], sent: Sent
    ) -> None:
        self._data = data
        self._contents = contents
        self._request = request
        self._known_sums = sums
        self._report = sent
        self._position = 0
        self._piece = 0
        self._large: _LargeReader | None = None
        self._head = memoryview(request.head)
        self._tail: memoryview | None = None
        self._failed = dict(contents.failed)
        self._sums = dict(contents.sums)
        self._sent = 0

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = bytes(self._head[:size]), self._head[size:]
            return data
        data = self._next(size)
        self._sent += len(data)
        self._report(min(self._sent, self._contents.total), self._contents.total)
        return data

    def close(self) -> None:
        self._data.close()
        if self._large is not None:
            self._large.close()

    def _next(self, size: int) -> bytes:
        pieces = self._contents.pieces
        while self._piece < len(pieces):
            end, large = pieces[self._piece]
            if self._position < end:
                data = self._data.read(min(size, end - self._position))
                if not data:
                    raise TaskFailed("the spool was cut short under us", kind="spool")
                self._position += len(data)
                return data
            if large is not None:
                if self._large is None:
                    self._large = _LargeReader(
                        large, self._request.sums and large.number not in self._known_sums
                    )
                data = self._large.read(size)
                if data:
                    return data
                self._finish(large, self._large)
            self._piece += 1
        return self._last(size)

    def _finish(self, large: Large, reader: _LargeReader) -> None:
        reader.close()
        self._large = None
        if reader.failure is not None:
            self._failed[large.number] = reader.failure
        elif self._request.sums:
            if reader.sum is not None:
                self._known_sums[large.number] = reader.sum
            self._sums[large.number] = self._known_sums[large.number]

    def _last(self, size: int) -> bytes:
        if self._tail is None:
            for number, first in self._request.tree.groups.items():
                if first in self._failed:
                    self._failed[number] = self._failed[first]
                elif first in self._sums:
                    self._sums[number] = self._sums[first]
            whole = {number: each for number, each in self._sums.items() if number not in self._failed}
            self._tail = memoryview(self._request.tail(Packed(self._failed, whole)))
        data = bytes(self._tail[:size])
        self._tail = self._tail[size:]
        return data


class _LargeReader:
    """Gives exactly as many bytes as the header said, whatever becomes of the file."""

    def __init__(self, large: Large, wants_sum: bool) -> None:
        self._large = large
        self._left = large.size
        self._hash = hashlib.sha256() if wants_sum else None
        self.failure: str | None = None
        self._file: BinaryIO | None = None
        try:
            self._file = open_regular(large.path)
            self._check()
        except OSError as error:
            self.failure = f"cannot be read here: {error.strerror}"

    @property
    def sum(self) -> str | None:
        return self._hash.hexdigest() if self._hash is not None else None

    def read(self, size: int) -> bytes:
        if not self._left:
            self._check()
            return b""
        size = min(size, self._left)
        data = b""
        if self._file is not None and self.failure is None:
            try:
                data = self._file.read(size)
            except OSError as error:
                self.failure = f"cannot be read here: {error.strerror}"
            if not data and self.failure is None:
                self.failure = _CHANGED
        data = data or bytes(size)
        self._left -= len(data)
        if self._hash is not None:
            self._hash.update(data)
        return data

    def _check(self) -> None:
        if self._file is None or self.failure is not None:
            return
        known = os.fstat(self._file.fileno())
        if (known.st_size, known.st_mtime_ns) != (self._large.size, self._large.mtime_ns):
            self.failure = _CHANGED

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
