"""SFTP on a host's own files: its home and its temporary directory.

Paths are the paths that the host's commands see, so a file sent is the file they find; a relative one
starts in the home. Whatever leads out of the host's directory, through links too, is refused.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import paramiko
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from hostpool.demo.connection import Session

T = TypeVar("T")


class FileServer(paramiko.SFTPServer):
    def finish_subsystem(self) -> None:
        if isinstance(self.sock, paramiko.Channel):
            self.sock.send_exit_status(0)  # scp(1) takes its absence for a failure
        super().finish_subsystem()


class HostFiles(paramiko.SFTPServerInterface):
    """Each answer is an attribute, a list, a path or an SFTP status."""

    def __init__(self, server: Session) -> None:
        super().__init__(server)
        self._home = server.account.home
        self._top = self._home.parent.resolve()

    def canonicalize(self, path: str) -> str:
        return os.path.normpath(self._home / path)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        mode = 0o666 if attr.st_mode is None else attr.st_mode & 0o7777
        return _status_or(lambda: OpenFile(os.open(self._inside(path), flags, mode)))

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        return _status_or(lambda: [_entry(each) for each in self._inside(path).iterdir()])

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        return _status_or(lambda: paramiko.SFTPAttributes.from_stat(self._inside(path).stat()))

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        return _status_or(lambda: paramiko.SFTPAttributes.from_stat(self._entry_inside(path).lstat()))

    def remove(self, path: str) -> int:
        return _status(lambda: self._entry_inside(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> int:
        """Fails if ``newpath`` exists (SFTP version 3)."""

        def rename() -> None:
            new = self._entry_inside(newpath)
            if os.path.lexists(new):
                raise FileExistsError(errno.EEXIST, "exists")
            self._entry_inside(oldpath).rename(new)

        return _status(rename)

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        def replace() -> None:
            self._entry_inside(oldpath).replace(self._entry_inside(newpath))

        return _status(replace)

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        mode = 0o777 if attr.st_mode is None else attr.st_mode & 0o7777
        return _status(lambda: self._entry_inside(path).mkdir(mode))

    def rmdir(self, path: str) -> int:
        return _status(lambda: self._entry_inside(path).rmdir())

    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return _status(lambda: _change(self._inside(path), attr))

    def readlink(self, path: str) -> str | int:
        return _status_or(lambda: str(self._entry_inside(path).readlink()))

    def symlink(self, target_path: str, path: str) -> int:
        return _status(lambda: self._entry_inside(path).symlink_to(target_path))

    def _inside(self, path: str) -> Path:
        """The file that ``path`` leads to in the end."""
        return self._checked((self._home / path).resolve())

    def _entry_inside(self, path: str) -> Path:
        """The directory entry ``path`` itself, be it a link or missing."""
        full = Path(os.path.normpath(self._home / path))
        return self._checked(full.parent.resolve() / full.name)

    def _checked(self, path: Path) -> Path:
        if not path.is_relative_to(self._top):
            raise PermissionError(errno.EACCES, "outside of the demo host's directory")
        return path


class OpenFile(paramiko.SFTPHandle):
    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def read(self, offset: int, length: int) -> bytes | int:
        return _status_or(lambda: os.pread(self._descriptor, length, offset))

    def write(self, offset: int, data: Buffer) -> int:
        def write() -> None:
            view, at = memoryview(data), offset
            while view:
                written = os.pwrite(self._descriptor, view, at)
                view, at = view[written:], at + written

        return _status(write)

    def stat(self) -> paramiko.SFTPAttributes | int:
        return _status_or(lambda: paramiko.SFTPAttributes.from_stat(os.fstat(self._descriptor)))

    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        return _status(lambda: _change(self._descriptor, attr))

    def close(self) -> None:
        os.close(self._descriptor)


def _change(file: Path | int, attr: paramiko.SFTPAttributes) -> None:
    """Like SFTPServer.set_file_attr, which would empty the file where a size is given."""
    if attr.st_size is not None:
        os.truncate(file, attr.st_size)
    if attr.st_uid is not None and attr.st_gid is not None:
        os.chown(file, attr.st_uid, attr.st_gid)
    if attr.st_mode is not None:
        os.chmod(file, attr.st_mode & 0o7777)  # noqa: PTH101 -- file may be a descriptor
    if attr.st_atime is not None and attr.st_mtime is not None:
        os.utime(file, (attr.st_atime, attr.st_mtime))


def _entry(path: Path) -> paramiko.SFTPAttributes:
    # paramiko sends names as UTF-8 only
    return paramiko.SFTPAttributes.from_stat(path.lstat(), os.fsencode(path.name).decode(errors="replace"))


def _status_or(action: Callable[[], T]) -> T | int:
    try:
        return action()
    except OSError as error:
        return _code(error)


def _status(action: Callable[[], None]) -> int:
    try:
        action()
    except OSError as error:
        return _code(error)
    return SFTP_OK


def _code(error: OSError) -> int:
    return SFTP_FAILURE if error.errno is None else paramiko.SFTPServer.convert_errno(error.errno)
