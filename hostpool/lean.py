"""Imports without what they only try: a process that starts a thousand times a day pays for each.

For processes that are ours alone: for a moment, other threads could not import what is left out.
"""

from __future__ import annotations

import sys


def import_msgspec() -> None:
    """It asks typing_extensions first for what the standard library has as well, and that brings inspect,
    ast and dis: half of msgspec's import time."""
    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # None is how an import is refused
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules[name]
