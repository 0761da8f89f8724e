"""SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions, on a channel of ours.

Every WRITE and every CLOSE is checked, reads and writes run in a sliding window. Names are bytes.
"""

from __future__ import annotations

import stat
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from hostpool.errors import Lost, TaskFailed, Unreachable, excerpt
from hostpool.ssh.mapping import place

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT = 1, 2, 3, 4, 5, 6, 7
SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH = 9, 10, 11, 12, 13, 14, 15, 16
STAT, RENAME, READLINK, SYMLINK, EXTENDED = 17, 18, 19, 20, 200
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 0, 1, 2, 3, 4
_TEXTS = {
    2: "No such file or directory", 3: "Permission denied", 5: "bad message",
    8: "not supported by the server",
}  # fmt: skip
_SAY_NOTHING = ("", "Failure")  # of OpenSSH's server whatever the system said
_NO_REASON = "failed, and the server does not say why"
PIECE = 32 * 1024
WINDOW = 64
_LONGEST = 1 << 20
_OPENING = 15.0
_READ_FLAG, _WRITE_FLAGS, _FRESH = 0x01, 0x02 | 0x08 | 0x10, 0x20  # read; write, create, truncate; exclusive
_SIZE, _OWNER, _MODE, _TIMES, _MORE = 0x01, 0x02, 0x04, 0x08, 0x80000000


class SFTPError(OSError):
    """The server refused; ``code`` is SFTP's, ``strerror`` what a person reads."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code


class Attributes(NamedTuple):
    size: int = 0
    uid: int = 0
    gid: int = 0
    mode: int = 0
    mtime: int = 0

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


class SFTP:
    """``check`` is called while we wait: it raises to stop. Raises Unreachable when the host has no
    SFTP, Lost when the connection breaks, SFTPError for what the server refuses."""

    def __init__(self, session: SSHSession, check: Callable[[], None]) -> None:
        self._session = session
        self._check = check
        self._number = 0
        self._replies: dict[int, tuple[int, bytes]] = {}
        self._rest = bytearray()
        self._version: bytes | None = None
        self._channel = session.channels.open(None)
        try:
            self._channel.request("subsystem", b"sftp")
            self._send(struct.pack(">BI", INIT, 3))
            self._await_version()
        except BaseException:
            self._channel.close()
            raise

    def close(self) -> None:
        self._channel.close()

    # -- files

    def lstat(self, path: bytes) -> Attributes:
        return self._attributes(self._ask(LSTAT, _string(path)))

    def stat(self, path: bytes) -> Attributes:
        return self._attributes(self._ask(STAT, _string(path)))

    def real_path(self, path: bytes) -> bytes:
        return self._names(self._ask(REALPATH, _string(path)))[0][0]

    def read_link(self, path: bytes) -> bytes:
        return self._names(self._ask(READLINK, _string(path)))[0][0]

    def entries(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """What is in a directory, as the server gives it, without ``.`` and ``..``."""
        handle = self._open(self._ask(OPENDIR, _string(path)))
        try:
            while True:
                reply = self._ask(READDIR, _string(handle))
                if self._is_end(reply):
                    return
                yield from (entry for entry in self._names(reply) if entry[0] not in (b".", b".."))
        finally:
            self._status(self._ask(CLOSE, _string(handle)))

    def make_directory(self, path: bytes) -> None:
        self._do(MKDIR, _string(path), _attributes(mode=0o700))

    def remove(self, path: bytes) -> None:
        self._do(REMOVE, _string(path))

    def remove_directory(self, path: bytes) -> None:
        self._do(RMDIR, _string(path))

    def set_attributes(self, path: bytes, *, mode: int | None = None, mtime: int | None = None) -> None:
        self._do(SETSTAT, _string(path), _attributes(mode=mode, mtime=mtime))

    def set_owner(self, path: bytes, uid: int, gid: int) -> None:
        self._do(SETSTAT, _string(path), struct.pack(">III", _OWNER, uid, gid))

    def symlink(self, target: bytes, path: bytes) -> None:
        # OpenSSH takes the two the other way round than the draft says (its PROTOCOL, 4.1)
        self._do(SYMLINK, _string(target), _string(path))

    def hard_link(self, old: bytes, new: bytes) -> None:
        self._do(EXTENDED, _string(b"hardlink@openssh.com"), _string(old), _string(new))

    def rename(self, old: bytes, new: bytes) -> None:
        """Replaces ``new``. Where the server cannot do that at once, ``new`` is missing for a moment."""
        if b"posix-rename@openssh.com" in (self._version or b""):
            self._do(EXTENDED, _string(b"posix-rename@openssh.com"), _string(old), _string(new))
            return
        try:
            self._do(RENAME, _string(old), _string(new))
        except SFTPError:
            self.remove(new)
            self._do(RENAME, _string(old), _string(new))

    @property
    def links(self) -> bool:
        """Whether the server makes hard links."""
        return b"hardlink@openssh.com" in (self._version or b"")

    def write(self, path: bytes, read: Callable[[int], bytes], *, fresh: bool, mode: int) -> int:
        """Writes what ``read`` gives until it gives nothing; returns how much. ``fresh``: the file must
        not be there yet."""
        flags = _WRITE_FLAGS | (_FRESH if fresh else 0)
        handle = self._open(self._ask(OPEN, _string(path), struct.pack(">I", flags), _attributes(mode=mode)))
        waiting: deque[int] = deque()
        offset = 0
        try:
            while data := read(PIECE):
                if len(waiting) >= WINDOW:
                    self._written(self._reply(waiting.popleft()))
                place = _string(handle) + struct.pack(">Q", offset)
                waiting.append(self._request(WRITE, place, _string(data)))
                offset += len(data)
            while waiting:
                self._written(self._reply(waiting.popleft()))
        finally:
            for number in waiting:
                self._reply(number)
            self._status(self._ask(CLOSE, _string(handle)))
        return offset

    def read(self, path: bytes, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes of a file, piece by piece; fewer where it ends before."""
        handle = self._open(self._ask(OPEN, _string(path), struct.pack(">I", _READ_FLAG), _attributes()))
        waiting: deque[tuple[int, int, int]] = deque()
        asked = 0
        try:
            while asked < size or waiting:
                while asked < size and len(waiting) < WINDOW:
                    wanted = min(PIECE, size - asked)
                    waiting.append((self._read_at(handle, asked, wanted), asked, wanted))
                    asked += wanted
                number, offset, wanted = waiting.popleft()
                data = self._data(self._reply(number))
                yield data
                if len(data) < wanted:
                    # a short read may be the end or a whim: what follows would be out of order
                    for late, _, _ in waiting:
                        self._reply(late)
                    waiting.clear()
                    if not data:
                        return
                    asked = offset + len(data)
        finally:
            for late, _, _ in waiting:
                self._reply(late)
            self._status(self._ask(CLOSE, _string(handle)))

    def _read_at(self, handle: bytes, offset: int, size: int) -> int:
        return self._request(READ, _string(handle), struct.pack(">QI", offset, size))

    # -- requests and replies

    def _do(self, kind: int, *fields: bytes) -> None:
        self._status(self._ask(kind, *fields))

    def _ask(self, kind: int, *fields: bytes) -> tuple[int, bytes]:
        return self._reply(self._request(kind, *fields))

    def _request(self, kind: int, *fields: bytes) -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._send(struct.pack(">BI", kind, self._number) + b"".join(fields))
        return self._number

    def _send(self, packet: bytes) -> None:
        rest = memoryview(struct.pack(">I", len(packet)) + packet)
        while rest:
            sent = self._channel.send(rest)
            rest = rest[sent:]
            if rest and not sent:
                self._wait()

    def _reply(self, number: int) -> tuple[int, bytes]:
        while number not in self._replies:
            self._wait()
        return self._replies.pop(number)

    def _await_version(self) -> None:
        deadline = time.monotonic() + _OPENING
        while self._version is None:
            refused = bool(self._channel.replies) and not self._channel.replies[0]
            if refused or self._channel.exited or time.monotonic() > deadline:
                raise Unreachable(
                    f"{place(self._session.target)} has no SFTP",
                    kind="no_sftp",
                    host=self._session.target.name,
                    hint="a Subsystem line in its sshd_config gives it one",
                )
            self._wait(may_end=True)

    def _wait(self, *, may_end: bool = False) -> None:
        """Until something came; takes it in."""
        self._check()
        heartbeat = self._session.heartbeat
        chunks = self._channel.wait(min(1.0, max(0.0, heartbeat.due())))
        size = 0
        for stream, data in chunks:
            size += len(data)
            if stream == "stdout":
                self._rest += data
        if size:
            self._channel.consumed(size)
            self._take()
        elif self._channel.dead or (self._channel.exited and not may_end):
            raise Lost(
                f"connection to {place(self._session.target)} lost while files were carried",
                kind="connection_lost",
                host=self._session.target.name,
                hint="some files may be new and others old; run it again",
            )
        else:
            heartbeat.ask()

    def _take(self) -> None:
        while len(self._rest) >= 5:
            length = int.from_bytes(self._rest[:4], "big")
            if not 1 <= length <= _LONGEST:
                raise TaskFailed("what the host sends is no SFTP", kind="bad_reply")
            if len(self._rest) < 4 + length:
                return
            packet = bytes(self._rest[4 : 4 + length])
            del self._rest[: 4 + length]
            if packet[0] == VERSION:
                self._version = packet[5:]
            elif length >= 5:
                self._replies[int.from_bytes(packet[1:5], "big")] = (packet[0], packet[5:])

    # -- what replies say

    def _status(self, reply: tuple[int, bytes]) -> None:
        kind, data = reply
        code = int.from_bytes(data[:4], "big") if kind == STATUS else FAILURE
        if code != OK:
            said = data[8 : 8 + int.from_bytes(data[4:8], "big")].decode("utf-8", "replace")
            if said in _SAY_NOTHING:
                said = _NO_REASON
            raise SFTPError(code, _TEXTS.get(code) or excerpt(said))

    def _written(self, reply: tuple[int, bytes]) -> None:
        """What is open for writing and takes no more is seldom refused for anything else."""
        try:
            self._status(reply)
        except SFTPError as error:
            if error.strerror != _NO_REASON:
                raise
            raise SFTPError(error.code, f"{_NO_REASON}: no room, or a quota?") from error

    def _is_end(self, reply: tuple[int, bytes]) -> bool:
        return reply[0] == STATUS and int.from_bytes(reply[1][:4], "big") == EOF

    def _open(self, reply: tuple[int, bytes]) -> bytes:
        if reply[0] != HANDLE:
            self._status(reply)
        return _take_string(reply[1], 0)[0]

    def _data(self, reply: tuple[int, bytes]) -> bytes:
        if self._is_end(reply):
            return b""
        if reply[0] != DATA:
            self._status(reply)
        return _take_string(reply[1], 0)[0]

    def _attributes(self, reply: tuple[int, bytes]) -> Attributes:
        if reply[0] != ATTRS:
            self._status(reply)
        return _take_attributes(reply[1], 0)[0]

    def _names(self, reply: tuple[int, bytes]) -> list[tuple[bytes, Attributes]]:
        kind, data = reply
        if kind != NAME:
            self._status(reply)
        found, at = [], 4
        for _ in range(int.from_bytes(data[:4], "big")):
            name, at = _take_string(data, at)
            _, at = _take_string(data, at)
            attributes, at = _take_attributes(data, at)
            found.append((name, attributes))
        if not found:
            raise TaskFailed("what the host sends is no SFTP", kind="bad_reply")
        return found


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _attributes(*, mode: int | None = None, mtime: int | None = None) -> bytes:
    flags = (_MODE if mode is not None else 0) | (_TIMES if mtime is not None else 0)
    out = struct.pack(">I", flags)
    if mode is not None:
        out += struct.pack(">I", mode)
    if mtime is not None:
        # 32 bits, unsigned in OpenSSH
        moment = max(0, min(mtime, 0xFFFFFFFF))
        out += struct.pack(">II", moment, moment)
    return out


def _take_string(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + int.from_bytes(data[at : at + 4], "big")
    if end > len(data) or at + 4 > len(data):
        raise TaskFailed("what the host sends is no SFTP", kind="bad_reply")
    return data[at + 4 : end], end


def _take_attributes(data: bytes, at: int) -> tuple[Attributes, int]:
    try:
        flags = struct.unpack_from(">I", data, at)[0]
        at += 4
        size = uid = gid = mode = mtime = 0
        if flags & _SIZE:
            size, at = struct.unpack_from(">Q", data, at)[0], at + 8
        if flags & _OWNER:
            (uid, gid), at = struct.unpack_from(">II", data, at), at + 8
        if flags & _MODE:
            mode, at = struct.unpack_from(">I", data, at)[0], at + 4
        if flags & _TIMES:
            (_, mtime), at = struct.unpack_from(">II", data, at), at + 8
        if flags & _MORE:
            count, at = struct.unpack_from(">I", data, at)[0], at + 4
            for _ in range(min(count, 64) * 2):
                _, at = _take_string(data, at)
    except struct.error:
        raise TaskFailed("what the host sends is no SFTP", kind="bad_reply") from None
    return Attributes(size, uid, gid, mode, mtime), at
