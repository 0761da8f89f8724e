"""What stands for hosts in an inventory source: ``name``, ``name:port``, ``web[01:50:2]``, ``[a:z]``.

These are Ansible's ranges, with colons; clush's (``n[1-4]``) are in ranges.py. Sources: Ansible's
"How to build your inventory", parsing/utils/addresses.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from string import ascii_letters
from typing import NamedTuple

from hostpool.errors import InventoryError
from hostpool.inventory.ranges import MAX_NAMES

_PORT = r"(?:\[(.+)\]|((?:[^:\[\]]|\[[^\]]*\])*)):([0-9]+)"
_RANGE = re.compile(r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]", re.IGNORECASE)
_NAME = re.compile(r"\w[\w-]*(?<![_-])(?:\.\w[\w-]*(?<![_-]))*")


class Address(NamedTuple):
    """``port`` is None when the text names none."""

    host: str
    port: int | None


def split_port(text: str) -> Address:
    """``host:port`` or ``[v6]:port`` taken apart; what is not a host name with a port stays whole."""
    if ":" in text:
        match = re.fullmatch(_PORT, text)
        if match is not None:
            host = match[1] or match[2]
            if is_address(host) and len(match[3]) <= 18:
                return Address(host, int(match[3]))
    return Address(text, None)


def is_address(text: str) -> bool:
    """A host name, an IPv4 or an IPv6 address, ranges allowed in it."""
    plain = _RANGE.sub("0", text)
    return _NAME.fullmatch(plain) is not None or (":" in plain and is_ipv6(plain))


def is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address

    try:
        return bool(IPv6Address(text)) and "%" not in text
    except ValueError:
        return False


def expand_address(text: str) -> tuple[list[str], int | None]:
    """The hosts an entry stands for, and their port. Raises InventoryError for a bad range, or for more
    than a million hosts."""
    host, port = split_port(text)
    if "[" not in host:
        if text.endswith(":") and port is None:
            raise InventoryError(f"{text!r} ends in a colon without a port", hint="write host or host:port")
        return [host], port
    return _expand_ranges(host), port


def _expand_ranges(text: str) -> list[str]:
    columns: list[Sequence[str]] = []
    count, rest = 1, text
    while "[" in rest:
        before, _, rest = rest.partition("[")
        inside, bracket, rest = rest.partition("]")
        if not bracket or not inside:
            raise InventoryError(f"bad range in {text!r}", hint="write ranges as web[01:50] or web[a:f]")
        steps, digits = _range(inside, text)
        count *= len(steps)
        if count > MAX_NAMES:
            raise InventoryError(
                f"{text!r} stands for more than {MAX_NAMES:,} hosts", hint="narrow the range"
            )
        columns += [(before,), [digits(n) for n in steps]]
    columns.append((rest,))
    return ["".join(parts) for parts in product(*columns)]


def _range(inside: str, text: str) -> tuple[range, Callable[[int], str]]:
    bounds = inside.split(":")
    if len(bounds) not in (2, 3):
        raise InventoryError(
            f"bad range [{inside}] in {text!r}", hint=f"write begin:end or begin:end:step, {_colons(inside)}"
        )
    first, last = bounds[0] or "0", bounds[1]
    step = _number(bounds[2], inside, text) if len(bounds) == 3 else 1
    if step < 1:
        raise InventoryError(
            f"range [{inside}] in {text!r} has a step of {step}", hint="a step is at least 1"
        )
    if len(first) == len(last) == 1 and first in ascii_letters and last in ascii_letters:
        low, high = ascii_letters.index(first), ascii_letters.index(last)
        digits: Callable[[int], str] = ascii_letters.__getitem__
    else:
        low, high = _number(first, inside, text), _number(last, inside, text)
        digits = _padded(first, last, inside, text)
    if low > high:
        raise InventoryError(f"range [{inside}] in {text!r} ends before it begins", hint="write begin:end")
    steps = range(low, high + 1, step)
    if high - low > step * MAX_NAMES:
        raise InventoryError(f"{text!r} stands for more than {MAX_NAMES:,} hosts", hint="narrow the range")
    return steps, digits


def _padded(first: str, last: str, inside: str, text: str) -> Callable[[int], str]:
    width = len(first)
    if width == 1 or first[0] != "0":
        return str
    if width != len(last):
        raise InventoryError(
            f"range [{inside}] in {text!r} has bounds of different width",
            hint=f"write {first.zfill(len(last))}:{last.zfill(width)}",
        )
    return lambda n: str(n).zfill(width)


def _number(digits: str, inside: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise InventoryError(
            f"bad range [{inside}] in {text!r}", hint="a range is two numbers or two letters, begin:end"
        )
    return int(digits)


def _colons(inside: str) -> str:
    return f"as in [{inside.replace('-', ':')}]" if "-" in inside else "as in [1:50]"
