"""Filters on lists and mappings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined, pass_environment
from jinja2.filters import do_unique


def _need_list(value: Any, name: str) -> Iterable[Any]:
    if isinstance(value, str | Mapping) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} takes a list, not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # whatever can be iterated over


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> dict[str, Any]:
    """Later mappings win. ``list_merge``: replace, keep, append, prepend, append_rp, prepend_rp."""
    result: dict[str, Any] = {}
    for term in _flat(terms, None):
        if isinstance(term, Undefined):
            term._fail_with_undefined_error()
        if not isinstance(term, Mapping):
            raise TypeError(f"combine takes mappings, not {type(term).__name__}")
        result = _merged(result, term, recursive, list_merge)
    return result


def _merged(low: Mapping[str, Any], high: Mapping[str, Any], recursive: bool, lists: str) -> dict[str, Any]:
    result = dict(low)
    for key, value in high.items():
        old = result.get(key)
        if recursive and isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value, recursive, lists)
        elif key in result and isinstance(old, list) and isinstance(value, list):
            result[key] = _lists(old, value, lists)
        else:
            result[key] = value
    return result


def _lists(old: list[Any], new: list[Any], how: str) -> list[Any]:
    made = {
        "replace": lambda: new,
        "keep": lambda: old,
        "append": lambda: old + new,
        "prepend": lambda: new + old,
        "append_rp": lambda: [each for each in old if each not in new] + new,
        "prepend_rp": lambda: new + [each for each in old if each not in new],
    }
    if how not in made:
        raise ValueError(f"combine: no such list_merge {how!r}")
    return made[how]()


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise TypeError(f"dict2items takes a mapping, not {type(value).__name__}")
    return [{key_name: key, value_name: item} for key, item in value.items()]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    return {item[key_name]: item[value_name] for item in _need_list(value, "items2dict")}


def _flat(value: Any, levels: int | None, skip_nulls: bool = True) -> list[Any]:
    result: list[Any] = []
    for item in value:
        if skip_nulls and item in (None, "None", "null"):
            continue
        if isinstance(item, list | tuple) and (levels is None or levels > 0):
            result += _flat(item, None if levels is None else levels - 1, skip_nulls)
        else:
            result.append(item)
    return result


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    return _flat(value, levels, skip_nulls)


def _once(values: Iterable[Any]) -> list[Any]:
    result: list[Any] = []
    seen: set[Any] = set()
    for value in values:
        try:
            new = value not in seen
            seen.add(value)
        except TypeError:
            new = value not in result
        if new:
            result.append(value)
    return result


@pass_environment
def unique(env: Any, value: Any, case_sensitive: Any = None, attribute: Any = None) -> list[Any]:
    if attribute is not None or case_sensitive is False:
        return list(do_unique(env, value, bool(case_sensitive), attribute))
    return _once(value)


def union(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    return _once([*a, *b])


def intersect(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    other = list(b)
    return _once(value for value in a if value in other)


def difference(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    other = list(b)
    return _once(value for value in a if value not in other)


def symmetric_difference(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    first, second = list(a), list(b)
    return [*difference(first, second), *difference(second, first)]


@pass_environment
def extract(env: Any, item: Any, container: Any, morekeys: Any = None) -> Any:
    keys = [item] if morekeys is None else [item, *(morekeys if isinstance(morekeys, list) else [morekeys])]
    value = container
    for key in keys:
        value = env.getitem(value, key)
    return value


def subelements(value: Any, key: Any, skip_missing: bool = False) -> list[Any]:
    items = list(value.values()) if isinstance(value, Mapping) else list(value)
    names = key.split(".") if isinstance(key, str) else list(key)
    result = []
    for item in items:
        found: Any = item
        for name in names:
            if name not in found:
                if not skip_missing:
                    raise KeyError(f"subelements: {name!r} is missing in an item")
                found = []
                break
            found = found[name]
        result += [(item, each) for each in found]
    return result


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    items = value.values() if isinstance(value, Mapping) else value
    result: dict[Any, Any] = {}
    for item in items:
        if item[key] in result and duplicates == "error":
            raise ValueError(f"rekey_on_member: {item[key]!r} occurs twice")
        result[item[key]] = item
    return result


def zip_longest(*values: Iterable[Any], fillvalue: Any = None) -> list[tuple[Any, ...]]:
    return list(itertools.zip_longest(*values, fillvalue=fillvalue))


def _extreme(best: Callable[..., Any]) -> Callable[..., Any]:
    @pass_environment
    def extreme(env: Any, value: Any, attribute: str | None = None, **options: Any) -> Any:
        items = list(value)
        if not items:
            return env.undefined("the list is empty")
        if attribute is None:
            return best(items)
        return best(items, key=lambda item: env.getitem(item, attribute))

    return extreme


def combinations(value: Sequence[Any], size: int) -> list[tuple[Any, ...]]:
    return list(itertools.combinations(value, size))


def permutations(value: Sequence[Any], size: int | None = None) -> list[tuple[Any, ...]]:
    return list(itertools.permutations(value, size))


DATA: dict[str, Callable[..., Any]] = {
    "combine": combine, "dict2items": dict2items, "items2dict": items2dict, "flatten": flatten,
    "unique": unique, "union": union, "intersect": intersect, "difference": difference,
    "symmetric_difference": symmetric_difference, "extract": extract, "subelements": subelements,
    "rekey_on_member": rekey_on_member, "zip": lambda *values: list(zip(*values, strict=False)),
    "zip_longest": zip_longest, "max": _extreme(max), "min": _extreme(min), "combinations": combinations,
    "permutations": permutations, "product": lambda *values: list(itertools.product(*values)),
}  # fmt: skip
