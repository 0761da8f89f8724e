"""Adding a key to a known_hosts file: under a lock, at the end, with nothing else touched."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path

from .wire import key_type


def hash_name(name: str) -> str:
    """``|1|salt|hash`` for one name, as HashKnownHosts writes it (HMAC-SHA1, a fresh salt)."""
    from hmac import digest

    salt = os.urandom(20)
    hashed = digest(salt, name.lower().encode("utf-8", "surrogateescape"), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(hashed).decode()}"


def known_hosts_lines(names: Sequence[str], blob: bytes, *, hashed: bool = False) -> str:
    """The text for a key: one line for all names, or one each when they are hashed."""
    key = f"{key_type(blob)} {base64.b64encode(blob).decode()}"
    fields = [hash_name(name) for name in names] if hashed else [",".join(name.lower() for name in names)]
    return "".join(f"{field} {key}\n" for field in fields)


def append_line(path: str, names: Sequence[str], blob: bytes, hashed: bool = False) -> None:
    """Appends the key in one write, under an exclusive flock.

    Creates the file with mode 0600 and its directory with 0700 where they are missing. A last line
    without its newline gets one first. Raises OSError, Malformed for a blob that is no key, and
    ValueError for a name that would break the line.
    """
    import fcntl

    if not names or any(not name or any(c.isspace() or c in ",#" for c in name) for name in names):
        raise ValueError(f"not names for known_hosts: {', '.join(map(repr, names))}")
    text = known_hosts_lines(names, blob, hashed=hashed).encode("utf-8", "surrogateescape")
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            text = b"\n" + text
        written = os.write(descriptor, text)
        if written != len(text):
            os.ftruncate(descriptor, size)
            raise OSError(f"{path}: only {written} of {len(text)} bytes could be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
