"""What a host says about its files, read piece by piece: nothing is kept but the unfinished end.

After a line that no login prints (MARK) come ``key=value`` lines and an empty one, then (where they say
``words=yes``) NUL-ended words and an empty one, then records:

- ``gnu``: find -printf, two NUL-ended texts an entry, the second one with what seldom matters, and
  short for files of one name (most are);
- ``stat``/``bsd``: the output of stat, each record beginning with ``//`` at the start of a line (no
  path that find prints has two slashes), up to a NUL; then path and target of each symlink;
- SHA-256 sums, if asked for: lines up to a NUL, then path and sum of names no line can hold.

The last text is ``END`` and find's exit status; without it the answer was cut short.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import NamedTuple

from hostpool.errors import TaskFailed

MARK = b"hostpool:files:1"
LONGEST = 1 << 20
"""Bytes a single record may have: a path has at most 4096 (PATH_MAX), a line of a login less."""


class Record(NamedTuple):
    """One file of the host. ``kind`` is find's letter: f, d, l, or another (pipe, device, socket).
    ``names``: how many hard links it has, 0 for unknown; of one name, device and inode may be too."""

    path: bytes
    kind: int
    mode: int
    size: int
    mtime: int
    uid: int
    gid: int
    device: int
    inode: int
    names: int
    link: bytes = b""


class Listing:
    """Feed it the answer; it calls ``record`` for each file, symlinks with their targets."""

    def __init__(self, record: Callable[[Record], None], limit: int = 5_000_000) -> None:
        self.known: Callable[[bytes], bool] = lambda text: False
        self.facts: dict[str, str] = {}
        self.leftovers: list[bytes] = []
        self.words: list[bytes] = []
        self.sums: dict[bytes, str] = {}
        self.status: int | None = None
        self.marked = False
        self._record = record
        self._left = limit
        self._rest = b""
        self._step: Callable[[bytes], bytes] = self._find_mark
        self._links: dict[bytes, Record] = {}
        self._pending: bytes | None = None

    @property
    def whole(self) -> bool:
        return self.status is not None

    def feed(self, data: bytes) -> None:
        """Raises TaskFailed for what no host of good will says."""
        rest = self._rest + data if self._rest else data
        while rest:
            step = self._step
            after = step(rest)
            if after is rest or (len(after) == len(rest) and self._step == step):
                break
            rest = after
        self._rest = bytes(rest)
        if len(self._rest) > LONGEST:
            raise hostile("a record of its file list has no end")

    # -- each takes what it can from the front and returns the rest

    def _find_mark(self, data: bytes) -> bytes:
        start = data.find(MARK + b"\n")
        if start < 0:
            return data[-len(MARK) :] if len(data) > LONGEST // 2 else data
        self.marked = True
        self._step = self._header
        return data[start + len(MARK) + 1 :]

    def _header(self, data: bytes) -> bytes:
        line, newline, rest = data.partition(b"\n")
        if not newline:
            return data
        if line:
            key, _, value = line.partition(b"=")
            if key == b"leftover":
                self.leftovers.append(value)
            else:
                self.facts[key.decode("ascii", "replace")] = value.decode("utf-8", "replace")
            return rest
        self._step = self._words if self.facts.get("words") == "yes" else self._records
        return rest

    @property
    def _records(self) -> Callable[[bytes], bytes]:
        pairs = self.facts.get("find") == "gnu" or self.facts.get("list") == "none"
        return self._gnu if pairs else self._stat

    def _words(self, data: bytes) -> bytes:
        word, nul, rest = data.partition(b"\0")
        if not nul:
            return data
        if word:
            self._count()
            self.words.append(word)
        else:
            self._step = self._records
        return rest

    def _gnu(self, data: bytes) -> bytes:
        texts = data.split(b"\0")
        rest = texts.pop()
        count = len(texts) & ~1
        for index in range(0, count, 2):
            text = texts[index]
            if self.known(text):
                continue
            if text[:4] in (b"END ", b"SUM "):
                return self._after_list(text, b"\0".join([*texts[index + 1 :], rest]))
            self._count()
            self._record(_of_find(text, texts[index + 1]))
        if len(texts) != count:
            if texts[-1][:4] in (b"END ", b"SUM "):
                return self._after_list(texts[-1], rest)
            rest = texts[-1] + b"\0" + rest
        return rest if count else data

    def _stat(self, data: bytes) -> bytes:
        end = data.find(b"\0")
        block = data if end < 0 else data[:end]
        pieces = block.split(b"\n//")
        if end < 0:
            last = pieces.pop()
            if not pieces:
                return data
        for number, piece in enumerate(pieces):
            text = piece if number else piece.removeprefix(b"//")
            if end >= 0 and number == len(pieces) - 1:
                text = text.removesuffix(b"\n")
            if text:
                self._of_stat(text)
        if end < 0:
            return b"//" + last
        self._step = self._targets
        return data[end + 1 :]

    def _of_stat(self, text: bytes) -> None:
        self._count()
        record = _of_stat(text, base=16 if self.facts.get("find") == "stat" else 8)
        if record.kind == ord("l"):
            self._links[record.path] = record
        else:
            self._record(record)

    def _targets(self, data: bytes) -> bytes:
        text, nul, rest = data.partition(b"\0")
        if not nul:
            return data
        if text[:4] in (b"END ", b"SUM ") and self._pending is None:
            for record in self._links.values():
                self._record(record)
            self._links.clear()
            return self._after_list(text, rest)
        if self._pending is None:
            self._pending = text
            return rest
        found = self._links.pop(_clean(self._pending), None)
        self._pending = None
        if found is not None:
            self._record(found._replace(link=text))
        return rest

    def _after_list(self, text: bytes, rest: bytes) -> bytes:
        if text[:4] == b"SUM ":
            self._step = self._sum_lines
        else:
            self.status = _number(text[4:])
            self._step = self._nothing
        return rest

    def _sum_lines(self, data: bytes) -> bytes:
        end = data.find(b"\0")
        block, rest = (data, b"") if end < 0 else (data[:end], data[end + 1 :])
        lines = block.split(b"\n")
        last = lines.pop()
        for line in lines:
            self._sum(line[:64], line[64:].removeprefix(b" ").removeprefix(b" ").removeprefix(b"*"))
        if end < 0:
            return last if lines else data
        self._step = self._sum_pairs
        return rest

    def _sum_pairs(self, data: bytes) -> bytes:
        text, nul, rest = data.partition(b"\0")
        if not nul:
            return data
        if self._pending is None:
            if text[:4] == b"END ":
                return self._after_list(text, rest)
            self._pending = text
            return rest
        self._sum(text[:64], self._pending)
        self._pending = None
        return rest

    def _sum(self, digest: bytes, path: bytes) -> None:
        if len(digest) == 64:
            self.sums[_clean(path)] = digest.decode("ascii", "replace").lower()

    def _nothing(self, data: bytes) -> bytes:
        return b""

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise hostile("its file list has no end")


def hostile(what: str) -> TaskFailed:
    return TaskFailed(
        what, kind="bad_reply", hint="the host sends what no honest one would; nothing was taken"
    )


def _clean(path: bytes) -> bytes:
    """As the tree names it: without ``./`` and slashes at the end."""
    path = path.rstrip(b"/")
    return path[2:] if path[:2] == b"./" else path


def _of_find(text: bytes, more: bytes) -> Record:
    """``%y %m %s %T@ %p`` and ``%U %G %D %i %n %l`` of find -printf; of plain files ``%U %G`` only."""
    try:
        kind, mode, size, mtime, path = text.split(b" ", 4)
        if more.count(b" ", 0, 40) == 1:
            more += b" 0 0 1 "
        uid, gid, device, inode, names, link = more.split(b" ", 5)
        return Record(
            path[2:] if path[:2] == b"./" else path, kind[0], int(mode, 8), int(size),
            int(mtime.partition(b".")[0]), int(uid), int(gid), int(device), int(inode), int(names), link,
        )  # fmt: skip
    except (ValueError, IndexError):
        raise hostile(f"its file list holds {text[:80]!r}, which find did not write") from None


_KINDS = {
    stat.S_IFREG: ord("f"), stat.S_IFDIR: ord("d"), stat.S_IFLNK: ord("l"), stat.S_IFIFO: ord("p"),
    stat.S_IFSOCK: ord("s"), stat.S_IFCHR: ord("c"), stat.S_IFBLK: ord("b"),
}  # fmt: skip


def _of_stat(text: bytes, base: int) -> Record:
    """``mode size mtime uid gid device inode links path`` of stat, the mode with its type."""
    try:
        mode, size, mtime, uid, gid, device, inode, names, path = text.split(b" ", 8)
        bits = int(mode, base)
        return Record(
            _clean(path), _KINDS.get(stat.S_IFMT(bits), ord("?")), bits & 0o7777, int(size), int(mtime),
            int(uid), int(gid), int(device), int(inode), int(names),
        )  # fmt: skip
    except (ValueError, IndexError):
        raise hostile(f"its file list holds {text[:80]!r}, which stat did not write") from None


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 255
