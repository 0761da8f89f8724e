"""Reads a tar stream piece by piece, from a host that may be hostile: nothing is believed, sizes are
bounded, and names are only handed on (ustar, GNU long names, pax: POSIX.1-2008 pax, GNU tar manual).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from hostpool.sync.listing import hostile
from hostpool.sync.tarball import BLOCK

MARK = b"hostpool:tar:1\n"
TRAILER = b"hostpool:end:1\n"
_LONGEST_NAME = 64 * 1024
_NOISE = 1 << 20


class Member(NamedTuple):
    """``kind`` is tar's letter: 0 file, 1 hard link, 2 symlink, 5 directory, …"""

    name: bytes
    kind: bytes
    size: int
    link: bytes


class Taker(Protocol):
    def begin(self, member: Member, /) -> None: ...

    def data(self, data: bytes | memoryview, /) -> None: ...

    def end(self) -> None: ...

    def after(self, data: bytes, /) -> None:
        """What follows the archives."""
        ...


class Untar:
    """``feed`` raises TaskFailed for what is no tar stream; ``whole`` once TRAILER came."""

    def __init__(self, taker: Taker) -> None:
        self.whole = False
        self._taker = taker
        self._rest = b""
        self._began = False
        self._left = 0
        self._pad = 0
        self._collecting: bytes | None = None
        self._collected = bytearray()
        self._long: dict[str, bytes] = {}
        self._member: Member | None = None

    def feed(self, data: bytes, /) -> None:
        if self.whole:
            self._taker.after(data)
            return
        view = memoryview(self._rest + data if self._rest else data)
        self._rest = b""
        if not self._began:
            start = bytes(view).find(MARK)
            if start < 0:
                if len(view) > _NOISE:
                    raise hostile("it talks without end before any file")
                self._rest = bytes(view)
                return
            self._began = True
            view = view[start + len(MARK) :]
        while len(view):
            if self._left:
                view = self._content(view)
            elif self._pad:
                skipped = min(self._pad, len(view))
                self._pad -= skipped
                view = view[skipped:]
            elif bytes(view[: len(TRAILER)]) == TRAILER:
                self.whole = True
                self._taker.after(bytes(view[len(TRAILER) :]))
                return
            elif len(view) < BLOCK:
                break
            else:
                self._header(bytes(view[:BLOCK]))
                view = view[BLOCK:]
        self._rest = bytes(view)

    def _content(self, view: memoryview) -> memoryview:
        part = view[: self._left]
        self._left -= len(part)
        if self._collecting is not None:
            self._collected += part
        elif self._member is not None:
            self._taker.data(part)
        if not self._left:
            self._finish()
        return view[len(part) :]

    def _finish(self) -> None:
        kind, self._collecting = self._collecting, None
        if kind is None:
            member, self._member = self._member, None
            if member is not None:
                self._taker.end()
            return
        text = bytes(self._collected)
        self._collected.clear()
        if kind == b"L":
            self._long["path"] = text.split(b"\0", 1)[0]
        elif kind == b"K":
            self._long["linkpath"] = text.split(b"\0", 1)[0]
        elif kind == b"x":
            self._long.update(_pax(text))

    def _header(self, block: bytes) -> None:
        if not any(block):
            return
        if _number(block[148:156]) != sum(block[:148]) + 256 + sum(block[156:]):
            raise hostile("what it sends is no tar stream")
        size = _number(block[124:136])
        kind = block[156:157].replace(b"\0", b"0").replace(b"7", b"0")
        if kind in b"LKxg":
            if size > _LONGEST_NAME:
                raise hostile("a name in its tar stream has no end")
            self._collecting = kind
            self._begin(size)
            return
        name = block[:100].split(b"\0", 1)[0]
        prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
        long, self._long = self._long, {}
        name = long.get("path", prefix + b"/" + name if prefix else name)
        link = long.get("linkpath", block[157:257].split(b"\0", 1)[0])
        size = int(long["size"]) if long.get("size", b"").isdigit() else size
        self._member = Member(name, kind, size if kind == b"0" else 0, link)
        self._taker.begin(self._member)
        self._begin(self._member.size)

    def _begin(self, size: int) -> None:
        self._left = size
        self._pad = -size % BLOCK
        if not size:
            self._finish()


def _number(field: bytes) -> int:
    """Octal text, or base-256 where the first bit is set. Raises TaskFailed."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40:
            raise hostile("a number in its tar stream is negative")
        return value
    text = field.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise hostile("what it sends is no tar stream") from None


def _pax(text: bytes) -> dict[str, bytes]:
    """``length key=value`` lines; those we know."""
    found = {}
    while text:
        length, _, _ = text.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(text):
            raise hostile("a pax header of its tar stream is broken")
        record, text = text[len(length) + 1 : int(length)], text[int(length) :]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = value
    return found
