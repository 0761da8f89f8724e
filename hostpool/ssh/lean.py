"""paramiko without what workers do not use of it; for processes of ours alone, as hostpool.lean.

What is left out is imported when somebody asks for it, so that paramiko stays whole.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from hostpool.lean import Later, LaterName, standing_in

_LEFT_OUT = (
    "agent", "auth_strategy", "client", "config", "hostkeys", "proxy", "sftp_client", "sftp_handle",
    "sftp_server", "sftp_si",
)  # fmt: skip
"""Parts of paramiko that only its own __init__ imports, for their names, and what it offers beside
connections; 8 ms with all they import."""


class _Absent(ModuleType):
    """A part that is left out: it has every name, and each of them stands for what it will be."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return LaterName(self.__name__, name)


class _Silent:
    """A logger to which nobody listens."""

    def log(self, level: int, message: str, *args: object) -> None:
        pass

    def addFilter(self, chosen: object) -> None:
        pass


def import_paramiko() -> None:
    """Its version it asks of importlib, which takes 14 ms and brings email, csv and zipfile. PyNaCl, 4 ms, it
    wants for a kind of keys of its own that is not used; cryptography does the same for us. What it logs goes
    nowhere (Python would print its errors, tracebacks included), and so logging is not imported, 4 ms with
    what that needs for tracebacks."""
    if "paramiko" in sys.modules:
        return
    absent: dict[str, ModuleType] = {f"paramiko.{part}": _Absent(f"paramiko.{part}") for part in _LEFT_OUT}
    nacl: Any = Later("nacl")
    nacl.signing = Later("nacl.signing")
    nacl.signing.VerifyKey = object  # stands in an annotation
    bcrypt = Later("bcrypt", "kdf")  # for key files with a passphrase
    absent |= {"nacl": nacl, "nacl.signing": nacl.signing, "bcrypt": bcrypt}
    with standing_in({**absent, **_version(), **_without_logging()}):
        import paramiko
    del nacl.signing.VerifyKey, nacl.signing
    homes = {name: value.home for name, value in vars(paramiko).items() if isinstance(value, LaterName)}
    for name in homes:
        delattr(paramiko, name)

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module 'paramiko' has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    vars(paramiko)["__getattr__"] = attribute  # PEP 562


def _without_logging() -> dict[str, ModuleType]:
    logging: Any = Later("logging")
    logging.getLogger = lambda name: _Silent()
    for level, name in enumerate(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), 1):
        setattr(logging, name, level * 10)
    return {"logging": logging, "traceback": Later("traceback")}


def _version() -> dict[str, ModuleType]:
    version = _version_beside("paramiko")
    if version is None:
        return {}
    metadata: Any = ModuleType("importlib.metadata")
    metadata.version = lambda name: version
    return {"importlib.metadata": metadata}


def _version_beside(package: str) -> str | None:
    """As the directory's name tells that pip leaves beside a package. None where there is not just one."""
    spec = PathFinder.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    names = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))  # noqa: PTH120, PTH208 -- one look
    found = [each for each in names if each.startswith(f"{package}-") and each.endswith(".dist-info")]
    return found[0].removesuffix(".dist-info").partition("-")[2] if len(found) == 1 else None
