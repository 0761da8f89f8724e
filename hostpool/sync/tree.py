"""A tree of files as compact columns: some 300 bytes an entry, names included.

Entries stand in the order of a walk: a directory before what is in it. Paths are bytes relative to
the root of the transfer; the root itself, where it takes part, is ``.`` and comes first.
"""

from __future__ import annotations

from array import array

import msgspec

FILE, DIRECTORY, LINK = ord("f"), ord("d"), ord("l")
ROOT = b"."


class Tree(msgspec.Struct, eq=False):
    """Columns of one length. ``modes`` are permission bits (07777), ``mtimes`` whole seconds (what
    SFTP and every tar can carry), ``parents`` indices (-1: the root of the transfer), ``links``
    targets of symlinks, ``groups`` maps each further name of a file with several to its first.
    ``sources`` are paths to read, where they are not ``base`` joined with the entry's path.
    ``problems``: (path, reason) of what could not be read and is therefore missing here.
    ``skipped``: pipes, sockets and devices, which are not carried.
    """

    base: bytes = b""
    paths: list[bytes] = []
    kinds: bytearray = msgspec.field(default_factory=bytearray)
    modes: array[int] = msgspec.field(default_factory=lambda: array("H"))
    sizes: array[int] = msgspec.field(default_factory=lambda: array("q"))
    mtimes: array[int] = msgspec.field(default_factory=lambda: array("q"))
    parents: array[int] = msgspec.field(default_factory=lambda: array("l"))
    links: dict[int, bytes] = {}
    groups: dict[int, int] = {}
    sources: dict[int, bytes] = {}
    problems: list[tuple[bytes, str]] = []
    skipped: list[bytes] = []
    index: dict[bytes, int] = {}
    _expected: dict[bytes, int] | None = None
    _children: dict[int, list[int]] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def add(
        self, path: bytes, kind: int, mode: int, size: int, mtime: int, parent: int, link: bytes | None = None
    ) -> int:
        number = len(self.paths)
        self.paths.append(path)
        self.index[path] = number
        self.kinds.append(kind)
        self.modes.append(mode & 0o7777)
        self.sizes.append(size if kind == FILE else 0)
        self.mtimes.append(mtime)
        self.parents.append(parent)
        if link is not None:
            self.links[number] = link
        return number

    def source(self, number: int) -> bytes:
        """Where the entry is read."""
        known = self.sources.get(number)
        if known is not None:
            return known
        path = self.paths[number]
        return self.base if path == ROOT else self.base + b"/" + path

    def linked(self) -> dict[int, list[int]]:
        """First name → all names, of the files that have several in this tree."""
        found: dict[int, list[int]] = {}
        for number, first in self.groups.items():
            found.setdefault(first, [first]).append(number)
        return found

    def named(self, name: bytes) -> Tree:
        """This tree of a single entry, under another name."""
        other = Tree(base=self.base)
        other.add(name, self.kinds[0], self.modes[0], self.sizes[0], self.mtimes[0], -1, self.links.get(0))
        other.sources[0] = self.source(0)
        return other

    def children(self) -> dict[int, list[int]]:
        """Directory → what is in it; -1 has what is at the top, but for the root itself."""
        if self._children is None:
            found: dict[int, list[int]] = {}
            for number, parent in enumerate(self.parents):
                if self.paths[number] != ROOT:
                    found.setdefault(parent, []).append(number)
            self._children = found
        return self._children

    def expected(self) -> dict[bytes, int]:
        """What find -printf says of each file of one name that is there just as it is here (see
        sync.listing): one look-up instead of taking a line apart."""
        if self._expected is None:
            linked = {*self.groups, *self.groups.values()}
            self._expected = {
                b"f %o %d %d.0000000000 ./%b" % (self.modes[n], self.sizes[n], self.mtimes[n], path): n
                for n, path in enumerate(self.paths)
                if self.kinds[n] == FILE and n not in linked
            }
        return self._expected


def directory_of(path: bytes) -> bytes:
    """The path above; of a name at the top that is ``.``."""
    head, slash, _ = path.rpartition(b"/")
    return head if slash else ROOT


def name_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
