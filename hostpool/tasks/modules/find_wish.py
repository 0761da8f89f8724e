"""Which files find wants, decided here: of each one it gets what stat says."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.modules.base import ModuleFailed, Result
from hostpool.tasks.modules.modes import applied

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True, slots=True)
class Wish:
    patterns: tuple[re.Pattern[str], ...]
    excludes: tuple[re.Pattern[str], ...]
    kind: str
    hidden: bool
    age: int | None
    stamp: str
    size: int | None
    mode: int | None
    exact: bool

    def holds(self, file: Result, now: int) -> bool:
        name = posixpath.basename(file["path"])
        if name.startswith(".") and not self.hidden:
            return False
        if self.kind and not file[self.kind]:
            return False
        if not any(pattern.match(name) for pattern in self.patterns):
            return False
        if any(pattern.match(name) for pattern in self.excludes):
            return False
        if self.age is not None and not _beyond(now - file[self.stamp], self.age):
            return False
        if self.size is not None and file["isreg"] and not _beyond(file["size"], self.size):
            return False
        if self.mode is None:
            return True
        own = int(file["mode"], 8)
        return own == self.mode if self.exact else bool(own & self.mode)


def _beyond(value: float, limit: int) -> bool:
    return value >= limit if limit >= 0 else value <= -limit


def wish_of(args: Mapping[str, Any]) -> Wish:
    if args["limit"] is not None and args["limit"] <= 0:
        raise ModuleFailed(f"limit cannot be {args['limit']} (use None for unlimited)")
    mode = args["mode"]
    kinds = {"directory": "isdir", "file": "isreg", "link": "islnk", "any": ""}
    return Wish(
        patterns=_patterns(args, args["patterns"] or [".*" if args["use_regex"] else "*"]),
        excludes=_patterns(args, args["excludes"] or []),
        kind=kinds[args["file_type"]], hidden=args["hidden"],
        age=_amount("age", args["age"], _UNITS), stamp=args["age_stamp"],
        size=_amount("size", args["size"], _SIZES),
        mode=None if mode is None else applied(mode, 0, directory=False), exact=args["exact_mode"],
    )  # fmt: skip


def _patterns(args: Mapping[str, Any], texts: Iterable[Any]) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(
            re.compile(str(text) if args["use_regex"] else fnmatch.translate(str(text))) for text in texts
        )
    except re.error as error:
        raise ModuleFailed(f"{error.pattern!r} is no regular expression: {error}") from error


def _amount(name: str, text: str | None, units: Mapping[str, int]) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(rf"(-?\d+)([{''.join(units)}]?)", text.lower())
    if match is None:
        raise ModuleFailed(f"failed to process {name}", **{name: text})
    return int(match[1]) * units.get(match[2], 1)
