"""A throw-away machine's /etc: ours as it was at one moment, without what other tests do in it meanwhile.

An overlay's lower layer must not change (Documentation/filesystems/overlayfs, "Changes to underlying
filesystems"), and accounts come and go in /etc while tests run side by side (see :mod:`tests.farm.accounts`).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_ACCOUNTS = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
"""Each also with ``-`` behind it: as it was before the last change."""

_OF_TESTS = re.compile(rb"^hp[0-9a-f]{8}:.*\n", re.MULTILINE)


def copy_etc(before: Path, upper: Path) -> None:
    """Copy /etc to ``before`` and to ``upper``, where it hides ours from an overlay. Needs root."""
    copy = before / "etc"
    words = ["cp", "-a", "/etc", str(copy)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    wrong = [line for line in done.stderr.splitlines() if "No such file or directory" not in line]
    assert not wrong, "\n".join(wrong)  # but for what went away while we looked
    for rules in (copy / "sudoers.d").glob("hostpool-test-*"):
        rules.unlink()
    for name in _ACCOUNTS:
        _without_tests(copy, name)
    subprocess.run(["cp", "-a", str(copy), str(upper)], check=True)
    os.setxattr(upper / "etc", "trusted.overlay.opaque", b"y")


def _without_tests(etc: Path, name: str) -> None:
    for left in (*etc.glob(f"{name}.*"), *etc.glob(f"{name}+")):  # locks, and what is half written
        left.unlink()
    for path in (etc / name, etc / f"{name}-"):
        if path.exists():
            info = path.stat()
            path.write_bytes(_OF_TESTS.sub(b"", path.read_bytes()))
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
