"""paramiko without what it only asks for its own version; for processes of ours alone, as hostpool.lean."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any


def import_paramiko() -> None:
    """It asks importlib for its own version, which takes 14 ms and brings email, csv and zipfile."""
    name = "importlib.metadata"
    version = _version_beside("paramiko")
    if name in sys.modules or version is None:
        import paramiko

        return
    metadata: Any = ModuleType(name)
    metadata.version = lambda name: version
    sys.modules[name] = metadata
    try:
        import paramiko  # noqa: F401
    finally:
        del sys.modules[name]


def _version_beside(package: str) -> str | None:
    """As the directory's name tells that pip leaves beside a package. None where there is not just one."""
    spec = PathFinder.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    names = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))  # noqa: PTH120, PTH208 -- one look
    found = [each for each in names if each.startswith(f"{package}-") and each.endswith(".dist-info")]
    return found[0].removesuffix(".dist-info").partition("-")[2] if len(found) == 1 else None
