"""Versions compared: loosely, as Ansible's ``version`` test does by default, or as semantic versions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "=": operator.eq, "eq": operator.eq,
    "<": operator.lt, "lt": operator.lt, "<=": operator.le, "le": operator.le,
    ">": operator.gt, "gt": operator.gt, ">=": operator.ge, "ge": operator.ge,
    "!=": operator.ne, "<>": operator.ne, "ne": operator.ne,
}  # fmt: skip
_PARTS = r"(\d+|[a-z]+|\.)"


def compare(value: Any, other: Any, sign: str = "eq", strict: Any = None, version_type: Any = None) -> bool:
    """Raises ValueError for an operator or kind of version nobody knows."""
    if sign not in _OPERATORS:
        raise ValueError(f"version: no such operator {sign!r}")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in ("loose", "strict", "semver", "semantic", "pep440"):
        raise ValueError(f"version: no such version_type {kind!r}")
    if str(value) == "" or str(other) == "":
        raise ValueError("version: an empty version cannot be compared")
    key = _semantic if kind in ("semver", "semantic", "strict", "pep440") else loosely
    return _OPERATORS[sign](key(str(value)), key(str(other)))


def loosely(text: str) -> list[tuple[int, int | str]]:
    """Numbers before words (distutils' LooseVersion raises there; a defined order is of more use)."""
    parts = (part for part in re.split(_PARTS, text) if part and part != ".")
    return [(1, int(part)) if part.isdigit() else (0, part) for part in parts]


def _semantic(text: str) -> tuple[list[int], tuple[int, list[tuple[int, int | str]]]]:
    core, _, rest = text.lstrip("v").partition("+")[0].partition("-")
    numbers = [int(number) for number in re.findall(r"\d+", core)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    suffix = rest or "".join(re.findall(r"[a-z]+\d*", core))
    return numbers, ((0, loosely(suffix)) if suffix else (1, []))
