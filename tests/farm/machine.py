"""A throw-away machine: an sshd that sees this one's file system and can change none of it.

Its root is an overlay over ours, in mount, UTS and PID namespaces of its own (mount_namespaces(7)), so
packages, users, mounts, the host name may be changed there, and a reboot(2) ends only itself. What was
changed stands in ``upper``, where two machines can be compared: the same work done by two tools must
leave the same there. Its /etc is a copy of ours, see :mod:`tests.farm.etc`. Shared with us: the
network (loopback), the clock, the kernel and its /proc/sys; the clock cannot be set there, nor a kernel
module loaded.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

from tests.farm.etc import copy_etc
from tests.farm.sshd import Sshd

OVERLAY = """
set -e
place=$1; shift
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
cd "$place/root"
mount -t proc proc proc
"""
"""sh: our own root below an overlay, entered but not yet the root."""

LEAVE = """
pivot_root . .
umount -l .
cd /
"""
"""sh: from there on nothing else is to be seen."""

_ENTER = (
    OVERLAY
    + """
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs run run
mkdir -p run/sshd run/lock
"""
    + LEAVE
    + 'exec "$@"\n'
)

BOUNDED = ("setpriv", "--bounding-set", "-sys_time,-sys_module")
"""Before all: telling the kernel of a time zone alone may move the clock (settimeofday(2)), for us too."""

VOLATILE = ("/tmp", "/run", "/var/tmp", "/var/log", "/var/cache", "/root/.ansible", "/root/.cache")
"""Below these every tool leaves something that is no part of a host's state."""

FileState = tuple[str, int, int, int, bytes]
"""(kind, mode, uid, gid, content or a link's target); kind ``gone`` for what is not there."""

State = dict[str, FileState]
"""By path."""


class Machine(Sshd):
    """As :class:`Sshd`; logs in as root. Needs root itself, and the file system's leave for overlays."""

    def __init__(self, **settings: object) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="hostpool-machine-"))
        for name in ("upper", "before", "work", "root"):
            (self._place / name).mkdir()
        self._place.chmod(0o755)
        self.upper, self._before = self._place / "upper", self._place / "before"
        copy_etc(self._before, self.upper)
        super().__init__(**settings)  # type: ignore[arg-type]  # passed on as they came

    def _within(self) -> list[str]:
        namespaces = ("--mount", "--uts", "--pid", "--fork", "--kill-child")
        return [*BOUNDED, "unshare", *namespaces, "sh", "-c", _ENTER, "machine", str(self._place)]

    def __enter__(self) -> Self:
        return self

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._place, ignore_errors=True)

    def sh(self, script: str) -> str:
        """Standard output of a shell script run on the machine; AssertionError when it fails."""
        words = self.ssh(self.address, script)
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def changes(self, ignored: Sequence[str] = ()) -> State:
        """All files, links and directories that are not as on the machine below, but for VOLATILE and
        ``ignored`` (paths, with all below them)."""
        out = {*VOLATILE, *ignored}
        found = {path: _seen(self.upper / path[1:]) for path in _paths(self.upper, out)}
        found |= {path: _seen(self.upper / path[1:]) for path in _paths(self._before, out)}
        return {path: state for path, state in found.items() if state != self._was(path)}

    def _was(self, path: str) -> FileState:
        below = self._before if path == "/etc" or path.startswith("/etc/") else Path("/")
        return _seen(below / path[1:])


def _paths(root: Path, out: Collection[str]) -> Iterator[str]:
    """All paths below ``root``, each as seen from there, but for those in ``out`` and all below them."""
    for top, directories, files in os.walk(root):
        inside = Path("/") / Path(top).relative_to(root)
        directories[:] = sorted(name for name in directories if str(inside / name) not in out)
        yield from (path for name in (*directories, *files) if (path := str(inside / name)) not in out)


_GONE: FileState = ("gone", 0, 0, 0, b"")


def _seen(path: Path) -> FileState:
    try:
        info = path.lstat()
    except OSError:
        return _GONE
    mode, owner = stat.S_IMODE(info.st_mode), (info.st_uid, info.st_gid)
    if stat.S_ISLNK(info.st_mode):
        return ("link", 0, *owner, os.fsencode(path.readlink()))
    if stat.S_ISDIR(info.st_mode):
        return ("directory", mode, *owner, b"")
    if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:  # overlay's whiteout
        return _GONE
    if stat.S_ISREG(info.st_mode):
        return ("file", mode, *owner, path.read_bytes())
    return ("special", mode, *owner, b"")
