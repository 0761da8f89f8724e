"""What an old file is kept as, where a task says ``backup: yes``."""

from __future__ import annotations

import time
from zlib import crc32


def kept_as(path: str, *contents: str) -> str:
    """As Ansible names it, ``PATH.NUMBER.YYYY-MM-DD@HH:MM:SS~``, by this machine's clock. The number comes
    from ``contents`` (checksums, or whatever tells one change from another) in the place of a process id,
    so that two changes within a second are kept apart."""
    number = crc32("\0".join(contents).encode()) % (1 << 22)
    return f"{path}.{number}.{_now()}~"


def _now() -> str:
    return time.strftime("%Y-%m-%d@%H:%M:%S")
