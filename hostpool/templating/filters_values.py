"""Filters on single values: numbers, yes and no, times, JSON."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Undefined, pass_environment
from jinja2.filters import do_random

_TRUE = ("yes", "on", "1", "true", "t", "y")
_UNITS: dict[str, int] = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6, "Z": 7, "Y": 8}


def to_bool(value: Any) -> Any:
    """None stays None; what is neither yes nor no is False, as Ansible has it."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).strip().lower() in _TRUE


def ternary(value: Any, true_value: Any, false_value: Any, none_value: Any = None) -> Any:
    if value is None and none_value is not None:
        return none_value
    return true_value if value else false_value


def mandatory(value: Any, msg: str | None = None) -> Any:
    if isinstance(value, Undefined):
        raise ValueError(msg or f"the mandatory variable {value._undefined_name!r} is not defined")
    return value


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


def _plain(value: Any) -> Any:
    """What JSON does not know of itself: mappings of ours, dates, bytes."""
    if hasattr(value, "items"):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def to_json(value: Any, **options: Any) -> str:
    options.pop("vault_to_text", None)
    options.pop("preprocess_unsafe", None)
    return json.dumps(value, default=_plain, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    return to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)


def from_json(value: Any, **options: Any) -> Any:
    return json.loads(value, **options)


def strftime(form: str, second: Any = None, utc: bool = False) -> str:
    moment = None if second is None else float(second)
    return time.strftime(form, time.gmtime(moment) if utc else time.localtime(moment))


def to_datetime(value: Any, form: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    return datetime.strptime(str(value), form)


def human_readable(size: float, isbits: bool = False, unit: str | None = None) -> str:
    base = "bits" if isbits else "Bytes"
    for letter in reversed(_UNITS):
        limit = 1024 ** _UNITS[letter]
        if (unit is None and size >= limit) or (unit is not None and unit.upper() == letter):
            suffix = base if letter == "B" else letter + ("b" if isbits else "B")
            return f"{size / limit:.2f} {suffix}"
    return f"{size:.2f} {base}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    import re

    found = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]*)\s*", str(size))
    if found is None:
        raise ValueError(f"human_to_bytes: {size!r} is no size")
    letter = (found[2] or default_unit or "B")[0].upper()
    if letter not in _UNITS:
        raise ValueError(f"human_to_bytes: no such unit {found[2]!r}")
    factor: int = 1024 ** _UNITS[letter]
    return round(float(found[1]) * factor)


@pass_environment
def rand(env: Any, end: Any, start: Any = None, step: Any = None, seed: Any = None) -> Any:
    chooser = random.SystemRandom() if seed is None else random.Random(seed)
    if isinstance(end, int):
        return chooser.randrange(start or 0, end, step or 1)
    if seed is None and hasattr(end, "__iter__"):
        return do_random(env, end)
    return chooser.choice(list(end))


def shuffle(values: Sequence[Any], seed: Any = None) -> list[Any]:
    shuffled = list(values)
    (random.SystemRandom() if seed is None else random.Random(seed)).shuffle(shuffled)
    return shuffled


def log(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)


def root(value: float, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / base)


def type_debug(value: Any) -> str:
    return type(value).__name__


VALUES: dict[str, Callable[..., Any]] = {
    "bool": to_bool, "ternary": ternary, "mandatory": mandatory, "default": default, "d": default,
    "to_json": to_json, "to_nice_json": to_nice_json, "from_json": from_json, "strftime": strftime,
    "to_datetime": to_datetime, "human_readable": human_readable, "human_to_bytes": human_to_bytes,
    "random": rand, "shuffle": shuffle, "log": log, "pow": math.pow, "root": root,
    "type_debug": type_debug,
}  # fmt: skip
