"""A throw-away machine: an sshd that sees this one's file system and can change none of it.

Its root is an overlay over ours, in mount, UTS and PID namespaces of its own (mount_namespaces(7)), so
packages, users, mounts, the host name may be changed there, and a reboot(2) ends only itself. What was
changed stands in ``upper``, where two machines can be compared: the same work done by two tools must
leave the same there. Shared with us: the network (loopback), the clock, the kernel and its /proc/sys;
the clock cannot be set there, nor a kernel module loaded.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

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

State = dict[str, tuple[str, int, int, int, bytes]]
"""Path → (kind, mode, uid, gid, content or a link's target); kind ``gone`` for what is hidden."""


class Machine(Sshd):
    """As :class:`Sshd`; logs in as root. Needs root itself, and the file system's leave for overlays."""

    def __init__(self, **settings: object) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="hostpool-machine-"))
        for name in ("upper", "work", "root"):
            (self._place / name).mkdir()
        self._place.chmod(0o755)
        self.upper = self._place / "upper"
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
        found: State = {}
        for top, directories, files in os.walk(self.upper):
            inside = Path("/") / Path(top).relative_to(self.upper)
            directories[:] = sorted(name for name in directories if str(inside / name) not in out)
            for name in (*directories, *files):
                path = str(inside / name)
                if path not in out and (state := _seen(Path(top) / name)) != _below(path):
                    found[path] = state
        return found


_OF_TESTS = re.compile(rb"^hp[0-9a-f]{8}:.*\n", re.MULTILINE)
"""Accounts that other tests make on the machine below meanwhile (see farm.accounts)."""


def _below(path: str) -> tuple[str, int, int, int, bytes] | None:
    try:
        return _seen(Path(path))
    except OSError:
        return None


def _seen(path: Path) -> tuple[str, int, int, int, bytes]:
    info = path.lstat()
    mode, owner = stat.S_IMODE(info.st_mode), (info.st_uid, info.st_gid)
    if stat.S_ISLNK(info.st_mode):
        return ("link", 0, *owner, os.fsencode(path.readlink()))
    if stat.S_ISDIR(info.st_mode):
        return ("directory", mode, *owner, b"")
    if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:  # overlay's whiteout
        return ("gone", 0, 0, 0, b"")
    if stat.S_ISREG(info.st_mode):
        content = path.read_bytes()
        if path.name.rstrip("-") in ("passwd", "group", "shadow", "gshadow"):
            content = _OF_TESTS.sub(b"", content)
        return ("file", mode, *owner, content)
    return ("special", mode, *owner, b"")
