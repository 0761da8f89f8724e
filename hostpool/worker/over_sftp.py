"""Plans carried out on hosts that have SFTP and no shell."""

from __future__ import annotations

import hashlib
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from hostpool.errors import HostError, TaskFailed
from hostpool.sync.compare import STAGE
from hostpool.sync.filters import translate
from hostpool.sync.listing import Record
from hostpool.sync.tree import DIRECTORY, LINK, ROOT, Tree, directory_of
from hostpool.sync.untar import Member
from hostpool.tasks.base import Request
from hostpool.tasks.local import SftpApply, SftpFetch, SftpFind, SftpList, SftpSums
from hostpool.worker.packs import open_regular

_WILD = re.compile(rb"[*?\[]")
_NO_SUCH_FILE, _PERMISSION_DENIED = 2, 3
_KINDS = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "p"}
Sent = Callable[[int, int], None]


class Client(Protocol):
    """What we need of ssh.sftp.SFTP. Refusals are OSErrors with SFTP's code."""

    links: bool
    lstat: Callable[[bytes], Any]
    stat: Callable[[bytes], Any]
    real_path: Callable[[bytes], bytes]
    read_link: Callable[[bytes], bytes]
    entries: Callable[[bytes], Any]
    make_directory: Callable[[bytes], None]
    remove: Callable[[bytes], None]
    remove_directory: Callable[[bytes], None]
    set_attributes: Callable[..., None]
    symlink: Callable[[bytes, bytes], None]
    hard_link: Callable[[bytes, bytes], None]
    rename: Callable[[bytes, bytes], None]
    write: Callable[..., int]
    read: Callable[[bytes, int], Any]
    close: Callable[[], None]


def perform(request: Request[Any], client: Client, sent: Sent) -> Any:
    """Answers a request of tasks.local for hosts without a shell. Raises HostError."""
    try:
        if isinstance(request, SftpList):
            return _List(request, client).run()
        if isinstance(request, SftpSums):
            top = _top(client, request.dest)
            return {path: _sum(client, top + b"/" + path, size) for path, size in request.paths.items()}
        if isinstance(request, SftpFind):
            return _find(request, client)
        if isinstance(request, SftpFetch):
            return _fetch(request, client, sent)
        assert isinstance(request, SftpApply)
        return _Apply(request, client, sent).run()
    except OSError as error:
        raise TaskFailed(f"over SFTP: {error.strerror}", kind="sftp") from error


def _top(client: Client, dest: str) -> bytes:
    path = dest.encode("utf-8", "surrogateescape").rstrip(b"/") or b"/"
    return client.real_path(path).rstrip(b"/")


def _sum(client: Client, path: bytes, size: int) -> str:
    found = hashlib.sha256()
    for data in client.read(path, size):
        found.update(data)
    return found.hexdigest()


def _find(request: SftpFind, client: Client) -> None:
    home = client.real_path(b".").rstrip(b"/")
    for number, pattern in enumerate(request.patterns):
        raw = pattern.encode("utf-8", "surrogateescape")
        slash = b"/" if raw.endswith(b"/") else b""
        whole = raw.rstrip(b"/") if raw.startswith(b"/") else home + b"/" + raw.rstrip(b"/")
        for path in _matches(client, whole):
            try:
                real = client.real_path(path)
                attributes = client.lstat(real)
            except OSError:
                continue
            request.match(b"%d" % number, path + slash, real)
            _tell_all(client, real, attributes, request.record)


def _matches(client: Client, pattern: bytes) -> Iterator[bytes]:
    """Paths that a pattern of sh names, for a host without one."""
    found = [b""]
    for part in pattern.strip(b"/").split(b"/"):
        if not _WILD.search(part):
            found = [path + b"/" + part for path in found]
            continue
        regex = re.compile(translate(part), re.DOTALL)
        below = []
        for path in found:
            try:
                names = sorted(name for name, _ in client.entries(path or b"/"))
            except OSError:
                continue
            hidden = part.startswith(b".")
            below += [
                path + b"/" + name
                for name in names
                if regex.fullmatch(name) and (hidden or not name.startswith(b"."))
            ]
        found = below
    yield from found


def _tell_all(client: Client, path: bytes, attributes: Any, record: Callable[[Record], None]) -> None:
    waiting = [(path, attributes)]
    while waiting:
        path, attributes = waiting.pop()
        record(_record(client, path, path, attributes))
        if attributes.is_directory:
            waiting += [(path.rstrip(b"/") + b"/" + name, each) for name, each in client.entries(path)]


def _record(client: Client, path: bytes, real: bytes, attributes: Any) -> Record:
    kind = ord(_KINDS.get(stat.S_IFMT(attributes.mode), "?"))
    link = client.read_link(real) if kind == LINK else b""
    return Record(
        path, kind, attributes.mode & 0o7777, attributes.size, attributes.mtime,
        attributes.uid, attributes.gid, 0, 0, 0, link,
    )  # fmt: skip


def _fetch(request: SftpFetch, client: Client, sent: Sent) -> None:
    """Each file as long as it was announced; what comes up short does not count."""
    total = sum(request.files.values())
    done = 0
    for path, size in request.files.items():
        came = 0
        try:
            request.receiver.begin(Member(path, b"0", size, b""))
            for data in client.read(path, size):
                came += len(data)
                done += len(data)
                request.receiver.data(data)
                sent(done, total)
        except OSError:
            came = -1
        request.receiver.end()
        if came != size:
            request.receiver.forget(path)


class _List:
    def __init__(self, request: SftpList, client: Client) -> None:
        self._request = request
        self._client = client
        self._top = b""

    def run(self) -> dict[str, str]:
        request = self._request
        dest, alone = request.dest, list(request.alone)
        if request.single:
            alone = [request.single]
            if not dest.endswith("/") and not self._is_directory(dest):
                request.fact("anchor", "parent")
                head, slash, last = dest.rpartition("/")
                dest, alone = (head or "/") if slash else ".", [last.encode("utf-8", "surrogateescape")]
        state = self._state(dest)
        request.fact("state", state)
        if state == "dir":
            self._top = _top(self._client, dest)
            for path in alone:
                self._look(path, deep=False)
            for path in request.below:
                self._look(path, deep=True)
        return {"state": state}

    def _is_directory(self, dest: str) -> bool:
        return self._state(dest) == "dir"

    def _state(self, dest: str) -> str:
        try:
            found = self._client.stat(dest.encode("utf-8", "surrogateescape"))
        except OSError as error:
            return "denied" if error.errno == _PERMISSION_DENIED else "missing"
        return "dir" if found.is_directory else "file"

    def _look(self, path: bytes, *, deep: bool) -> None:
        try:
            attributes = self._client.lstat(self._top + b"/" + path)
        except OSError as error:
            if error.errno != _NO_SUCH_FILE:
                self._request.fact("incomplete", error.strerror or "failed")
            return
        waiting = [(path, attributes)]
        while waiting:
            path, attributes = waiting.pop()
            self._tell(path, attributes)
            if not (deep and attributes.is_directory):
                continue
            try:
                found = list(self._client.entries(self._top + b"/" + path))
            except OSError as error:
                self._request.fact("incomplete", error.strerror or "failed")
                continue
            waiting += [(name if path == ROOT else path + b"/" + name, each) for name, each in found]

    def _tell(self, path: bytes, attributes: Any) -> None:
        self._request.record(_record(self._client, path, self._top + b"/" + path, attributes))


class _Apply:
    def __init__(self, request: SftpApply, client: Client, sent: Sent) -> None:
        self._request = request
        self._plan = request.plan
        self._tree: Tree = request.plan.tree
        self._client = client
        self._report = sent
        self._failures: list[tuple[bytes, str]] = []
        self._done = 0
        self._top = b""
        self._word = secrets.token_hex(4).encode()

    def run(self) -> list[tuple[bytes, str]]:
        self._make_top()
        self._top = _top(self._client, self._request.dest)
        for path in self._request.leftovers:
            self._try(path, partial(self._wipe, self._top + b"/" + path))
        failed: set[int] = set()
        for number in self._plan.send:
            parent = self._tree.parents[number]
            if parent in failed:
                failed.add(number)
                self._failures.append((self._tree.paths[number], "its directory is not there"))
            elif not self._try(self._tree.paths[number], partial(self._send, number)):
                failed.add(number)
        if not self._failures and not self._tree.problems:
            for path in self._plan.delete:
                self._try(path, partial(self._wipe, self._top + b"/" + path))
        self._finish(failed)
        return self._failures

    def _make_top(self) -> None:
        path = self._request.dest.encode("utf-8", "surrogateescape").rstrip(b"/") or b"/"
        missing = []
        while path not in (b"", b"/", b"."):
            try:
                self._client.stat(path)
                break
            except OSError as error:
                if error.errno != _NO_SUCH_FILE:
                    raise
            missing.append(path)
            path = path.rpartition(b"/")[0]
        for each in reversed(missing):
            self._client.make_directory(each)
            self._client.set_attributes(each, mode=0o755)

    def _try(self, path: bytes, what: Callable[[], None]) -> bool:
        try:
            what()
        except OSError as error:
            self._failures.append((path, error.strerror or "failed"))
            return False
        return True

    def _send(self, number: int) -> None:
        tree = self._tree
        path = tree.paths[number]
        there = self._top + b"/" + path
        if number in self._plan.in_the_way:
            self._clear(path, there)
        if tree.kinds[number] == DIRECTORY:
            self._client.make_directory(there)
            return
        above = self._top if directory_of(path) == ROOT else self._top + b"/" + directory_of(path)
        new = above + b"/" + STAGE + b"sftp." + self._word + b"%d" % number
        if tree.kinds[number] == LINK:
            self._client.symlink(tree.links[number], new)
        elif number in tree.groups and self._client.links:
            self._client.hard_link(self._top + b"/" + tree.paths[tree.groups[number]], new)
        elif self._request.in_place and number in self._plan.replaced:
            self._write(number, there, fresh=False)
            return
        else:
            self._new_file(number, new)
        try:
            self._client.rename(new, there)
        except OSError:
            self._client.remove(new)
            raise

    def _new_file(self, number: int, new: bytes) -> None:
        try:
            self._write(number, new, fresh=True)
        except (OSError, HostError):
            self._quietly(lambda: self._client.remove(new))
            raise

    def _write(self, number: int, path: bytes, *, fresh: bool) -> None:
        tree = self._tree
        digest = hashlib.sha256()
        with open_regular(tree.source(number)) as file:

            def read(size: int) -> bytes:
                data = file.read(size)
                digest.update(data)
                self._done += len(data)
                self._report(self._done, max(self._plan.bytes, self._done))
                return data

            size = self._client.write(path, read, fresh=fresh, mode=0o600)
        if self._client.lstat(path).size != size:
            raise OSError(4, "arrived with another size")
        if self._request.verify and _sum(self._client, path, size) != digest.hexdigest():
            raise OSError(4, "its content is not what was sent")
        self._client.set_attributes(path, mode=tree.modes[number], mtime=tree.mtimes[number])

    def _clear(self, path: bytes, there: bytes) -> None:
        if self._plan.in_the_way[self._tree.index[path]] != DIRECTORY:
            self._client.remove(there)
        elif self._request.replace and path not in self._plan.protected:
            self._wipe(there)
        else:
            try:
                self._client.remove_directory(there)
            except OSError as error:
                raise OSError(4, "a directory is in the way, and not empty") from error

    def _wipe(self, path: bytes) -> None:
        if not self._client.lstat(path).is_directory:
            self._client.remove(path)
            return
        for name, _ in list(self._client.entries(path)):
            self._wipe(path + b"/" + name)
        self._client.remove_directory(path)

    def _finish(self, failed: set[int]) -> None:
        """Modes and times; those of directories from the deepest up, as all else changes them."""
        tree, plan = self._tree, self._plan
        sent = {n for n in plan.send if tree.kinds[n] == DIRECTORY and n not in failed}
        touched = set()
        if self._request.directories:
            above = {directory_of(tree.paths[n]) for n in plan.send} | {directory_of(p) for p in plan.delete}
            touched = {tree.index[path] for path in above if path in tree.index}
        modes = {*plan.chmod, *sent}
        times = {*plan.touch, *sent, *touched}
        for number in sorted(modes | times, reverse=True):
            path = tree.paths[number]
            self._try(
                path,
                partial(
                    self._client.set_attributes,
                    self._top if path == ROOT else self._top + b"/" + path,
                    mode=tree.modes[number] if number in modes else None,
                    mtime=tree.mtimes[number] if number in times else None,
                ),
            )

    def _quietly(self, what: Callable[[], None]) -> None:
        try:
            what()
        except (OSError, HostError):
            pass
