"""Reads a local tree into its compact form; symlinks are never followed, but for the source itself."""

# ruff: noqa: PTH100, PTH115, PTH116, PTH119  # names are bytes, which pathlib does not take

from __future__ import annotations

import os
import stat

from hostpool.errors import TaskFailed
from hostpool.sync.filters import Filters
from hostpool.sync.modes import changed
from hostpool.sync.tree import DIRECTORY, FILE, LINK, ROOT, Tree
from hostpool.tasks.local import Scan

_SECOND = 1_000_000_000


def scan(request: Scan) -> Tree:
    """Raises TaskFailed when a source cannot be looked at, or two of them have one name."""
    return _Scanner(request).run()


class _Scanner:
    def __init__(self, request: Scan) -> None:
        self._request = request
        self._filters: Filters = request.filters
        self._tree = Tree()
        self._inodes: dict[tuple[int, int], int] = {}

    def run(self) -> Tree:
        for path in self._request.paths:
            self._source(os.fsencode(path))
        return self._tree

    def _source(self, path: bytes) -> None:
        try:
            known = os.stat(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        contents = path.endswith(b"/")
        whole = os.path.abspath(path)
        if contents and not stat.S_ISDIR(known.st_mode):
            raise _unreadable(path, NotADirectoryError(20, "Not a directory"))
        if contents:
            if ROOT not in self._tree.index:
                self._add(ROOT, DIRECTORY, known, -1, whole)
            self._walk(whole, b"", -1)
            return
        name = os.fsencode(self._request.name) if self._request.name else os.path.basename(whole)
        if name in self._tree.index:
            raise TaskFailed(f"two sources are named {os.fsdecode(name)}", kind="name_twice")
        if self._filters.excludes(name, stat.S_ISDIR(known.st_mode)):
            return
        number = self._entry(name, known, -1, whole)
        if number is not None and stat.S_ISDIR(known.st_mode):
            self._walk(whole, name + b"/", number)

    def _walk(self, top: bytes, prefix: bytes, parent: int) -> None:
        """Everything below ``top``, directories before what is in them."""
        waiting = [(top, prefix, parent)]
        while waiting:
            directory, prefix, parent = waiting.pop()
            try:
                with os.scandir(directory) as entries:
                    found = sorted(entries, key=_name)
            except OSError as error:
                self._problem(prefix.rstrip(b"/") or ROOT, error)
                continue
            below = []
            for entry in found:
                path = prefix + entry.name
                try:
                    known = entry.stat(follow_symlinks=False)
                except OSError as error:
                    self._problem(path, error)
                    continue
                is_directory = stat.S_ISDIR(known.st_mode)
                if self._filters.rules and self._filters.excludes(path, is_directory):
                    continue
                number = self._entry(path, known, parent, entry.path)
                if number is not None and is_directory:
                    below.append((entry.path, path + b"/", number))
            waiting.extend(reversed(below))

    def _entry(self, path: bytes, known: os.stat_result, parent: int, source: bytes) -> int | None:
        mode = known.st_mode
        if stat.S_ISREG(mode):
            number = self._add(path, FILE, known, parent, source)
            if known.st_nlink > 1:
                first = self._inodes.setdefault((known.st_dev, known.st_ino), number)
                if first != number:
                    self._tree.groups[number] = first
            return number
        if stat.S_ISDIR(mode):
            return self._add(path, DIRECTORY, known, parent, source)
        if stat.S_ISLNK(mode):
            try:
                target = os.readlink(source)
            except OSError as error:
                self._problem(path, error)
                return None
            return self._add(path, LINK, known, parent, source, target)
        self._tree.skipped.append(path)
        return None

    def _add(
        self,
        path: bytes,
        kind: int,
        known: os.stat_result,
        parent: int,
        source: bytes,
        link: bytes | None = None,
    ) -> int:
        mode = stat.S_IMODE(known.st_mode)
        if kind != LINK and self._request.chmod:
            mode = changed(self._request.chmod, mode, kind == DIRECTORY)
        tree = self._tree
        if path in tree.index:
            raise TaskFailed(f"two sources hold {os.fsdecode(path)}", kind="name_twice")
        number = tree.add(path, kind, mode, known.st_size, known.st_mtime_ns // _SECOND, parent, link)
        if number == 0:
            tree.base = source if path == ROOT else source[: len(source) - len(path) - 1]
        if tree.source(number) != source:
            tree.sources[number] = source
        return number

    def _problem(self, path: bytes, error: OSError) -> None:
        self._tree.problems.append((path, f"cannot be read here: {error.strerror}"))


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _unreadable(path: bytes, error: OSError) -> TaskFailed:
    return TaskFailed(
        f"cannot read {os.fsdecode(path)}: {error.strerror}", kind="source", hint="nothing was sent"
    )
