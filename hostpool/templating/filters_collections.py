"""Filters of community.general and ansible.utils that playbooks use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
            "mo": 2592000.0, "y": 31536000.0}  # fmt: skip
_UNIT_WORDS = {"millisecond": "ms", "second": "s", "minute": "m", "min": "m", "hour": "h", "day": "d",
               "week": "w", "month": "mo", "year": "y"}  # fmt: skip


def json_query(value: Any, expression: str) -> Any:
    import jmespath

    return jmespath.search(expression, _plain(value))


def _plain(value: Any) -> Any:
    """jmespath looks at types: subclasses of text and our own mappings are none of its kinds."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def counter(values: Iterable[Any]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


def version_sort(values: Iterable[Any], reverse: bool = False) -> list[Any]:
    from hostpool.templating.versions import loosely

    return sorted(values, key=lambda value: loosely(str(value)), reverse=reverse)


def groupby_as_dict(values: Iterable[Mapping[str, Any]], attribute: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for value in values:
        if value[attribute] in found:
            raise ValueError(f"groupby_as_dict: {value[attribute]!r} occurs twice")
        found[value[attribute]] = value
    return found


def lists_mergeby(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> list[Any]:
    """Mappings of several lists, merged where they agree in the last argument's key."""
    from hostpool.templating.filters_data import combine

    *lists, index = terms
    found: dict[Any, Any] = {}
    for each in lists:
        for item in itertools.chain.from_iterable(i if isinstance(i, list) else [i] for i in each):
            known = found.get(item[index])
            found[item[index]] = (
                dict(item)
                if known is None
                else combine(known, item, recursive=recursive, list_merge=list_merge)
            )
    return [found[key] for key in sorted(found)]


def _of_lists(name: str) -> Callable[..., list[Any]]:
    from hostpool.templating import filters_data

    def folded(*lists: Any, flatten: bool = False) -> list[Any]:
        given = lists[0] if flatten and len(lists) == 1 else lists
        result = list(given[0])
        for other in given[1:]:
            result = getattr(filters_data, name)(result, other)
        return result

    return folded


def random_mac(prefix: str, seed: Any = None) -> str:
    import random

    chooser = random.SystemRandom() if seed is None else random.Random(seed)
    parts = str(prefix).lower().split(":")
    return ":".join([*parts, *(f"{chooser.randrange(256):02x}" for _ in range(6 - len(parts)))])


def to_time_unit(text: Any, unit: str = "ms") -> float:
    """``1h 30m`` in another unit; a month is 30 days, a year 365, as community.general counts."""
    total = 0.0
    for number, word in re.findall(r"(-?\d+(?:\.\d+)?)\s*([a-z]*)", str(text)):
        total += float(number) * _SECONDS[_unit(word or "ms")]
    return round(total / _SECONDS[_unit(unit)], 12)


def _unit(word: str) -> str:
    short = word if word in _SECONDS else _UNIT_WORDS.get(word.removesuffix("s"), word)
    if short not in _SECONDS:
        raise ValueError(f"to_time_unit: no such unit {word!r}")
    return short


def from_csv(text: str, **options: Any) -> list[dict[str, Any]]:
    import csv

    names = options.pop("fieldnames", None)
    delimiter = options.pop("delimiter", None) or ","
    return [dict(row) for row in csv.DictReader(text.splitlines(), names, delimiter=delimiter)]


def from_ini(text: str) -> dict[str, dict[str, str]]:
    from configparser import ConfigParser

    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def _matches(how: str, targets: Any) -> Callable[[str], bool]:
    wanted = [targets] if isinstance(targets, str) else list(targets)
    if how == "equality":
        return lambda key: key in wanted
    if how == "starts_with":
        return lambda key: key.startswith(tuple(wanted))
    if how == "ends_with":
        return lambda key: key.endswith(tuple(wanted))
    if how == "regex":
        return lambda key: any(re.match(pattern, key) for pattern in wanted)
    raise ValueError(f"no such matching_parameter {how!r}")


def remove_keys(value: Any, target: Any, matching_parameter: str = "equality") -> Any:
    """Without these keys, at any depth (ansible.utils)."""
    return _without(value, _matches(matching_parameter, target))


def _without(value: Any, gone: Callable[[str], bool]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, gone) for key, item in value.items() if not gone(str(key))}
    if isinstance(value, list | tuple):
        return [_without(item, gone) for item in value]
    return value


COLLECTIONS: dict[str, Callable[..., Any]] = {
    "json_query": json_query, "counter": counter, "version_sort": version_sort,
    "groupby_as_dict": groupby_as_dict, "lists_mergeby": lists_mergeby, "random_mac": random_mac,
    "lists_union": _of_lists("union"), "lists_intersect": _of_lists("intersect"),
    "lists_difference": _of_lists("difference"),
    "lists_symmetric_difference": _of_lists("symmetric_difference"),
    "dict": lambda pairs: dict(pairs), "dict_kv": lambda value, key: {key: value},
    "to_time_unit": to_time_unit, "to_seconds": lambda text: to_time_unit(text, "s"),
    "to_milliseconds": to_time_unit, "to_minutes": lambda text: to_time_unit(text, "m"),
    "to_hours": lambda text: to_time_unit(text, "h"), "to_days": lambda text: to_time_unit(text, "d"),
    "to_weeks": lambda text: to_time_unit(text, "w"), "from_csv": from_csv, "from_ini": from_ini,
    "remove_keys": remove_keys,
}  # fmt: skip
