"""What we run on, for ``--version`` and bug reports."""

from __future__ import annotations

import platform
from importlib import metadata

_PARTS = ("paramiko", "cryptography", "typer", "rich", "msgspec", "PyYAML", "Jinja2")


def versions() -> dict[str, str]:
    """Names and versions of Python and the libraries; never fails."""
    result = {"Python": platform.python_version()}
    for name in _PARTS:
        try:
            result[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            result[name] = "missing"
    return result
