"""How long a test waits for what takes a moment.

A busy machine may take its time; what would wait for something that never comes takes far longer still.
So a test that something ends at once lets the other case last for a minute at least, and asks no more
than that it took less than that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

AMPLE = 25.0
"""Seconds that a machine with other work may need for what takes a moment."""


@contextlib.contextmanager
def promptly(seconds: float = AMPLE) -> Iterator[None]:
    """What is inside ends by itself, and not by what it might have waited for."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"it took {took:.1f} s"
