"""What a flag's, a variable's or a configuration key's text means. Each parser raises ValueError with
a message that completes "… : ", never with the value itself: the caller says where it stood."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable

from hostpool.batches import Limit

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)"
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = r"(?i)(\d+)\s*([KMG]?)(?:i?B)?"


def text(value: str) -> str:
    if not value:
        raise ValueError("a value is missing")
    return value


def path(value: str) -> str:
    """``~`` becomes the home directory; a relative path stays relative to where we are."""
    return os.path.expanduser(text(value))  # noqa: PTH111 -- Path would drop a leading ./


def source(value: str) -> str:
    """An inventory source: a path, or ``h1,h2,`` or ``-``, which are none."""
    return path(value) if is_path(value) else text(value)


def is_path(value: str) -> bool:
    """Whether the value of a path or source is one: not ``none``, ``-`` or a list of hosts."""
    return value not in ("none", "-") and "," not in value


def count(value: str) -> int:
    """A whole number from 1."""
    number = natural(value)
    if number < 1:
        raise ValueError("at least 1 is needed")
    return number


def natural(value: str) -> int:
    """A whole number from 0."""
    if not re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def port(value: str) -> int:
    number = natural(value)
    if not 1 <= number <= 65535:
        raise ValueError("ports go from 1 to 65535")
    return number


def seconds(value: str) -> float:
    """``30``, ``2.5``, ``500ms``, ``90s``, ``1m30s``, ``2h``: seconds, more than none."""
    amount = pause(value)
    if amount <= 0:
        raise ValueError("more than 0 seconds are needed")
    return amount


def pause(value: str) -> float:
    """As `seconds`, but 0 is allowed."""
    stripped = value.strip()
    parts = re.findall(_DURATION, stripped)
    units = [unit for _, unit in parts]
    if not parts or "".join(number + unit for number, unit in parts) != stripped:
        raise ValueError(f"{value!r} is not a time: write 30, 2.5, 90s, 1m30s or 2h")
    if len(parts) > 1 and "" in units:
        raise ValueError(f"{value!r} mixes parts with and without a unit")
    amount = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not math.isfinite(amount) or amount > 1e9:
        raise ValueError("that is more than 30 years")
    return amount


def size(value: str) -> int:
    """``64K``, ``1M``, ``65536``: bytes, in powers of 1024."""
    match = re.fullmatch(_SIZE, value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a size: write 65536, 64K or 1M")
    return int(match[1]) * _SIZES[match[2].upper()]


def codes(value: str) -> frozenset[int]:
    """Exit codes: ``0,1``."""
    return frozenset(code(part) for part in value.split(","))


def code(value: str) -> int:
    number = natural(value)
    if number > 255:
        raise ValueError("exit codes go from 0 to 255")
    return number


def limit(value: str) -> Limit:
    """``3`` hosts or ``10%`` of them."""
    stripped = value.strip()
    if not re.fullmatch(r"\d{1,9}|\d{1,3}(\.\d+)?%", stripped, re.ASCII):
        raise ValueError(f"{value!r} is neither a number of hosts nor a percentage: write 3 or 10%")
    result = Limit.parse(stripped)
    if result.percent and result.number > 100:
        raise ValueError("that is more than 100 %")
    return result


def sizes(value: str) -> tuple[str, ...]:
    """``1,10%,50%``: sizes of batches, the last one repeats."""
    parts = tuple(part.strip() for part in value.split(","))
    if any(limit(part).number == 0 for part in parts):
        raise ValueError("a batch of no hosts would never end")
    return parts


def assignment(value: str) -> tuple[str, str]:
    """``NAME=VALUE`` for the environment of a command (names as POSIX has them, XBD 8.1)."""
    name, equals, content = value.partition("=")
    if not equals:
        raise ValueError(f"{value!r} has no '=': write NAME=VALUE")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise ValueError(f"{name!r} is no name of an environment variable")
    if "\0" in content:
        raise ValueError("a NUL cannot stand in an environment variable")
    return name, content


def ssh_option(value: str) -> str:
    """``Keyword=value`` or ``Keyword value``, as ``ssh -o`` takes it; ``Keyword=value`` comes back."""
    match = re.fullmatch(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(\S.*)", value)
    if match is None:
        raise ValueError(f"{value!r} is no option of ssh_config: write Keyword=value")
    return f"{match[1]}={match[2].rstrip()}"


def since(value: str) -> float:
    """``2h`` ago, or a local date or time: seconds since the epoch."""
    import datetime
    import time

    try:
        return datetime.datetime.fromisoformat(value.strip()).timestamp()
    except ValueError:
        pass
    try:
        return time.time() - pause(value)
    except ValueError:
        raise ValueError(f"{value!r} is no time: write 2h, 3d, 2026-11-24 or '2026-11-24 06:30'") from None


def job_name(value: str) -> str:
    """The NAME of a cron job: it becomes a file's name and stands in subjects of mails."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value, re.ASCII):
        raise ValueError(f"{value!r} is no NAME: letters, digits, '.', '_' and '-', at most 64 of them")
    return value


def choice(*allowed: str) -> Callable[[str], str]:
    """One of the given words."""

    def parse(value: str) -> str:
        if value not in allowed:
            from hostpool.cli.hints import nearest

            near = nearest(value, allowed)
            also = f"; did you mean {near}?" if near else ""
            raise ValueError(f"{value!r} is none of {', '.join(allowed)}{also}")
        return value

    return parse


def switch(value: str) -> bool:
    """For the environment: what people write for yes and no."""
    lowered = value.strip().lower()
    if lowered in ("1", "yes", "true", "on"):
        return True
    if lowered in ("0", "no", "false", "off"):
        return False
    raise ValueError(f"{value!r} is neither on nor off")
