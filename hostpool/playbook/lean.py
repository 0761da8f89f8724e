"""PyYAML without what it only prepares; for processes of ours alone, as hostpool.lean."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any


class LaterPattern:
    """Stands in for a regular expression, which is compiled when something is looked for with it."""

    def __init__(self, *words: Any) -> None:
        self._words = words

    def __getattr__(self, name: str) -> Any:
        return getattr(re.compile(*self._words), name)


def import_yaml() -> None:
    """The longest of its expressions, 5 ms to compile, is for readers without libyaml."""
    if "yaml" in sys.modules:
        return
    lazy: Any = ModuleType("re")
    lazy.compile, lazy.X = LaterPattern, re.X
    sys.modules["re"] = lazy
    try:
        import yaml  # noqa: F401
    finally:
        sys.modules["re"] = re
