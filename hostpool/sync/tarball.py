"""tar members, as every tar of today reads them: ustar with GNU's long names and large numbers
(POSIX.1-1988 ustar; GNU tar manual, "Basic Tar Format").

No owner is written: what arrives belongs to who unpacks it.
"""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)
_REGULAR, _HARD, _SYMBOLIC, _DIRECTORY, _LONG_LINK, _LONG_NAME = b"0", b"1", b"2", b"5", b"K", b"L"
_OWNERS = b"0000000\0" * 2
_TAIL = b"ustar  \0" + bytes(64 + 16 + 155 + 12)
_BLANK = b" " * 8


def padding(size: int) -> bytes:
    """What fills the last block after ``size`` bytes of content."""
    return bytes(-size % BLOCK)


def file_header(name: bytes, mode: int, size: int, mtime: int) -> bytes:
    return _long(name, b"") + _header(name, mode, size, mtime, _REGULAR, b"")


def directory_header(name: bytes, mode: int, mtime: int) -> bytes:
    name += b"/"
    return _long(name, b"") + _header(name, mode, 0, mtime, _DIRECTORY, b"")


def symlink_header(name: bytes, target: bytes, mtime: int) -> bytes:
    return _long(name, target) + _header(name, 0o777, 0, mtime, _SYMBOLIC, target)


def hardlink_header(name: bytes, target: bytes, mode: int, mtime: int) -> bytes:
    return _long(name, target) + _header(name, mode, 0, mtime, _HARD, target)


def member(name: bytes, mode: int, data: bytes) -> bytes:
    """A whole file."""
    return file_header(name, mode, len(data), 0) + data + padding(len(data))


def _long(name: bytes, target: bytes) -> bytes:
    out = b""
    if len(target) > 100:
        out += _extra(_LONG_LINK, target)
    if len(name) > 100:
        out += _extra(_LONG_NAME, name)
    return out


def _extra(kind: bytes, data: bytes) -> bytes:
    data += b"\0"
    return _header(b"././@LongLink", 0o644, len(data), 0, kind, b"") + data + padding(len(data))


def _header(name: bytes, mode: int, size: int, mtime: int, kind: bytes, target: bytes) -> bytes:
    before = name[:100].ljust(100, b"\0") + b"%07o\0" % mode + _OWNERS + _number(size) + _number(mtime)
    after = kind + target[:100].ljust(100, b"\0") + _TAIL
    total = sum(before) + sum(_BLANK) + sum(after)
    return before + b"%06o\0 " % total + after


def _number(value: int) -> bytes:
    if 0 <= value < 1 << 33:
        return b"%011o\0" % value
    # base-256: the first bit says so, the rest is two's complement
    coded = bytearray(value.to_bytes(12, "big", signed=True))
    coded[0] |= 0x80
    return bytes(coded)
