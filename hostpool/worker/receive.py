"""Takes files from a host and puts them where they belong: nowhere else, whole, and no more than said.

Directories below the host's own are opened one after the other without following symlinks, so that no
link a host gave us earlier leads anywhere.
"""

# ruff: noqa: PTH115  # names are bytes, relative to open directories

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from hostpool.errors import TaskFailed
from hostpool.sync.listing import Listing, hostile
from hostpool.sync.tree import DIRECTORY, LINK
from hostpool.sync.untar import Member, Untar
from hostpool.tasks.local import Accept, Digest, Receive, Standing, Wanted

_STAGE = r"\.hostpool-(\d+)\.[0-9a-f]+"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def home_of(directory: str, flat: bool, host: str) -> Path:
    """Where a host's files go. A host's name is one component, whatever is in it."""
    if flat:
        return Path(directory)
    name = re.sub(r"[/\0]", "_", host)
    return Path(directory) / (f"_{name}" if name in (".", "..") else name)


def local_name(name: bytes, flat: bool, host: str) -> bytes:
    return os.fsencode(re.sub(r"[/\0]", "_", host)) + b"-" + name if flat else name


def standing(request: Standing, host: str) -> list[int]:
    home = os.fsencode(home_of(request.directory, request.flat, host))
    return [
        place
        for place, wanted in enumerate(request.wanted)
        if not _stands(home + b"/" + local_name(wanted.name, request.flat, host), wanted)
    ]


def _stands(path: bytes, wanted: Wanted) -> bool:
    try:
        known = os.lstat(path)
        if wanted.kind == DIRECTORY:
            return stat.S_ISDIR(known.st_mode)
        if wanted.kind == LINK:
            return stat.S_ISLNK(known.st_mode) and os.readlink(path) == wanted.link
    except OSError:
        return False
    return (
        stat.S_ISREG(known.st_mode)
        and known.st_size == wanted.size
        and known.st_mtime_ns // 10**9 == wanted.mtime
        and stat.S_IMODE(known.st_mode) == wanted.mode
    )


def sums(path: str) -> Digest | None:
    """Raises TaskFailed."""
    sha1, md5 = hashlib.sha1(), hashlib.md5(usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                sha1.update(piece)
                md5.update(piece)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TaskFailed(f"cannot read {path}: {error.strerror}", kind="local_read") from error
    return Digest(sha1.hexdigest(), md5.hexdigest())


class Receiver:
    """Files lie under numbers in a directory of ours beside their places until they are accepted."""

    def __init__(self, request: Receive, host: str) -> None:
        self._request = request
        self._host = host
        self._home = home_of(request.directory, request.flat or request.exact, host)
        self._untar = Untar(self)
        self._listing = Listing(lambda record: None)
        self._left = request.limit
        self._stage: Path | None = None
        self._open: int | None = None
        self._current: bytes | None = None
        self._hash = hashlib.sha256()
        self._count = 0
        self._came: dict[bytes, tuple[str, int, str]] = {}
        self._check_room()

    def _check_room(self) -> None:
        place = self._home
        while not place.exists() and place != place.parent:
            place = place.parent
        need = sum(each.size for names in self._request.files.values() for each in names)
        free = shutil.disk_usage(place).free
        if need > free:
            raise TaskFailed(
                f"it announces {need} bytes, and {self._request.directory} has room for {free}",
                kind="no_room",
                hint="fetch fewer files, or to another place",
            )

    # -- as an Intake

    def feed(self, data: bytes, /) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise hostile("it sends more than it announced")
        try:
            self._untar.feed(data)
        except OSError as error:
            raise TaskFailed(f"cannot write to {self._home}: {error.strerror}", kind="local_write") from error

    @property
    def whole(self) -> bool:
        return self._listing.whole

    @property
    def facts(self) -> Mapping[str, str]:
        return self._listing.facts

    @property
    def sums(self) -> Mapping[bytes, str]:
        return self._listing.sums

    # -- as a Taker

    def begin(self, member: Member, /) -> None:
        path = b"/" + member.name.removeprefix(b"./").lstrip(b"/")
        if member.kind == b"1":
            self._same_as(path, b"/" + member.link.removeprefix(b"./").lstrip(b"/"))
            return
        if member.kind != b"0" or path not in self._request.files:
            return
        self._current = path
        self._hash = hashlib.sha256()
        self._count += 1
        name = str(self._count)
        self._came[path] = (name, member.size, "")
        self._open = os.open(self._make_stage() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def _same_as(self, path: bytes, other: bytes) -> None:
        """A further name of a file that came already."""
        if path in self._request.files and other in self._came:
            name, size, digest = self._came[other]
            self._count += 1
            second = str(self._count)
            os.link(self._make_stage() / name, self._make_stage() / second)
            self._came[path] = (second, size, digest)

    def data(self, data: bytes | memoryview, /) -> None:
        if self._open is None:
            return
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._open, view) :]

    def end(self) -> None:
        if self._open is None or self._current is None:
            return
        os.close(self._open)
        name, size, _ = self._came[self._current]
        self._came[self._current] = (name, size, self._hash.hexdigest())
        self._open = self._current = None

    def forget(self, path: bytes, /) -> None:
        self._came.pop(path, None)

    def after(self, data: bytes, /) -> None:
        self._listing.feed(data)

    def _make_stage(self) -> Path:
        if self._stage is None:
            self._home.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self._home)
            self._stage = self._home / f".hostpool-{os.getpid()}.{secrets.token_hex(4)}"
            self._stage.mkdir(mode=0o700)
        return self._stage

    # -- in the end

    def finish(self, request: Accept) -> list[tuple[bytes, str]]:
        try:
            return self._accept(request) if request.keep else []
        except OSError as error:
            raise TaskFailed(f"cannot write to {self._home}: {error.strerror}", kind="local_write") from error
        finally:
            if self._open is not None:
                os.close(self._open)
                self._open = None
            if self._stage is not None:
                shutil.rmtree(self._stage, ignore_errors=True)

    def _accept(self, request: Accept) -> list[tuple[bytes, str]]:
        failures = []
        self._home.mkdir(parents=True, exist_ok=True)
        top = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            stage = os.open(self._make_stage(), _OPEN)
            try:
                for wanted in request.others:
                    failures += self._try(top, stage, wanted, None)
                for path, names in self._request.files.items():
                    for wanted in names:
                        last = wanted is names[-1]
                        failures += self._try(top, stage, wanted, path, verify=request.verify, last=last)
            finally:
                os.close(stage)
        finally:
            os.close(top)
        return failures

    def _try(
        self,
        top: int,
        stage: int,
        wanted: Wanted,
        path: bytes | None,
        *,
        verify: bool = False,
        last: bool = True,
    ) -> list[tuple[bytes, str]]:
        try:
            reason = self._place(top, stage, wanted, path, verify, last)
        except OSError as error:
            reason = error.strerror or "failed"
        return [] if reason is None else [(wanted.name, reason)]

    def _place(
        self, top: int, stage: int, wanted: Wanted, path: bytes | None, verify: bool, last: bool
    ) -> str | None:
        name = local_name(wanted.name, self._request.flat, self._host)
        if wanted.kind == DIRECTORY:
            with _directory(top, name.split(b"/"), wanted.mode | 0o700):
                return None
        *above, final = name.split(b"/")
        if wanted.kind == LINK:
            os.symlink(wanted.link, b"link", dir_fd=stage)
            with _directory(top, above) as place:
                os.rename(b"link", final, src_dir_fd=stage, dst_dir_fd=place)
            return None
        assert path is not None
        came = self._came.get(path)
        if came is None:
            return "did not come"
        number, _, digest = came
        if verify and self.sums.get(path[1:]) != digest:
            return "changed while it was read: it is not what the host says it is"
        if not last:
            assert self._stage is not None
            shutil.copyfile(self._stage / number, self._stage / "copy")
            number = "copy"
        os.chmod(number, wanted.mode, dir_fd=stage)
        os.utime(number, (wanted.mtime, wanted.mtime), dir_fd=stage)
        with _directory(top, above) as place:
            os.rename(number, final, src_dir_fd=stage, dst_dir_fd=place)
        return None


@contextlib.contextmanager
def _directory(top: int, parts: list[bytes], mode: int = 0o755) -> Iterator[int]:
    """An open directory below ``top``, made as need be; no symlink on the way is followed."""
    current = os.dup(top)
    try:
        for part in parts:
            try:
                below = os.open(part, _OPEN, dir_fd=current)
            except FileNotFoundError:
                os.mkdir(part, mode, dir_fd=current)
                below = os.open(part, _OPEN, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


def _remove_leftovers(home: Path) -> None:
    """Of runs that were killed."""
    for entry in home.iterdir():
        found = re.fullmatch(_STAGE, entry.name)
        if found and not _runs(int(found[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
