"""Imports without what they only try: a process that starts a thousand times a day pays for each.

For processes that are ours alone: for a moment, other threads could not import what is left out.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def standing_in(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """While the block runs, imports of these find what is given in their place (None: they are refused),
    unless they are there already."""
    found = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(found)  # type: ignore[arg-type]  # None is how an import is refused
    try:
        yield
    finally:
        for name, module in found.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class Later(ModuleType):
    """Stands in for a module that is imported when something is asked of it, which was not put here. Its
    ``names`` may be taken before that, and stand for what they will be."""

    def __init__(self, home: str, *names: str) -> None:
        super().__init__(home)
        for name in names:
            setattr(self, name, LaterName(home, name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        real = importlib.import_module(self.__name__)
        return (
            getattr(real, name) if hasattr(real, name) else importlib.import_module(f"{real.__name__}.{name}")
        )


class LaterName:
    """Stands in for a class or function of the module ``home``, which is imported when it is used."""

    def __init__(self, home: str, name: str) -> None:
        self.home = home
        self._name = name

    def _real(self) -> Any:
        return getattr(importlib.import_module(self.home), self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._real()(*args, **named)


def import_leanly() -> None:
    """What every process of ours needs, before anything else of it is imported."""
    _import_msgspec()
    _import_dataclasses()
    _import_pathlib()


def _import_msgspec() -> None:
    """It asks typing_extensions first for what the standard library has as well, and that brings inspect,
    ast and dis: half of msgspec's import time. It can encode types that no message has, Decimal and UUID
    (2 ms), and describe types by JSON schemas (3 ms)."""
    decimal: Any = Later("decimal")
    decimal.Decimal = type("Decimal", (), {})
    uuid: Any = Later("uuid")
    uuid.UUID, uuid.SafeUUID = type("UUID", (), {}), type("SafeUUID", (), {"unknown": None})
    schemas = Later("msgspec._json_schema", "schema", "schema_components")
    absent = {each.__name__: each for each in (decimal, uuid, schemas, Later("msgspec.inspect"))}
    with standing_in({"typing_extensions": None, **absent}):
        import msgspec  # noqa: F401


def _import_dataclasses() -> None:
    """It asks inspect for one thing, the signature in the text that describes a class without one, and that
    brings ast, dis and tokenize (8 ms). Nobody reads such texts here."""
    inspect: Any = Later("inspect")
    inspect.signature = lambda declared: ""
    with standing_in({"inspect": inspect}):
        import dataclasses  # noqa: F401


def _import_pathlib() -> None:
    """It makes URLs of paths, if asked to: urllib.parse brings ipaddress (2 ms)."""
    with standing_in({"urllib.parse": Later("urllib.parse", "quote_from_bytes")}):
        import pathlib  # noqa: F401


def without_packers() -> AbstractContextManager[None]:
    """For an import of shutil (tempfile's too): it only looks whether it could pack by these (1 ms)."""
    return standing_in({name: Later(name) for name in ("bz2", "lzma")})
