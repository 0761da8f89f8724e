"""Tests (``x is …``) that Jinja2 does not have of itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from hostpool.templating.versions import compare


def _result(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"`is {what}` is asked of a registered result, not of {type(value).__name__}")
    return value


def failed(value: Any) -> bool:
    return bool(_result(value, "failed").get("failed", False))


def succeeded(value: Any) -> bool:
    return not failed(value)


def changed(value: Any) -> bool:
    result = _result(value, "changed")
    if "changed" not in result and isinstance(result.get("results"), list):
        return any(isinstance(each, dict) and each.get("changed") for each in result["results"])
    return bool(result.get("changed", False))


def skipped(value: Any) -> bool:
    return bool(_result(value, "skipped").get("skipped", False))


def unreachable(value: Any) -> bool:
    return bool(_result(value, "unreachable").get("unreachable", False))


def reachable(value: Any) -> bool:
    return not unreachable(value)


def timed_out(value: Any) -> bool:
    return bool(_result(value, "timedout").get("timedout", False))


def started(value: Any) -> bool:
    return bool(_result(value, "started").get("started", True))


def finished(value: Any) -> bool:
    return bool(_result(value, "finished").get("finished", True))


def regex(
    value: Any = "", pattern: str = "", ignorecase: bool = False, multiline: bool = False,
    match_type: str = "search",
) -> bool:  # fmt: skip
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    return bool(getattr(re.compile(pattern, flags), match_type)(str(value)))


def match(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "search")


def truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, str):
        return value.lower() in ("y", "yes", "on", "1", "true", "t")
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def subset(a: Iterable[Any], b: Iterable[Any]) -> bool:
    known = list(b)
    return all(item in known for item in a)


def superset(a: Iterable[Any], b: Iterable[Any]) -> bool:
    return subset(b, a)


def contains(seq: Any, value: Any) -> bool:
    return value in seq


def _nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _path(test: Callable[[str], bool]) -> Callable[[Any], bool]:
    """Of the control node, as Ansible has it."""
    return lambda path: test(str(path))


TESTS: dict[str, Callable[..., Any]] = {
    "failed": failed, "failure": failed, "succeeded": succeeded, "success": succeeded,
    "successful": succeeded, "changed": changed, "change": changed, "skipped": skipped, "skip": skipped,
    "unreachable": unreachable, "reachable": reachable, "timedout": timed_out,
    "started": started, "finished": finished, "regex": regex,
    "match": match, "search": search, "version": compare, "version_compare": compare, "truthy": truthy,
    "falsy": falsy, "subset": subset, "issubset": subset, "superset": superset, "issuperset": superset,
    "contains": contains, "all": all, "any": any, "nan": _nan, "isnan": _nan,
    "file": _path(os.path.isfile), "is_file": _path(os.path.isfile), "directory": _path(os.path.isdir),
    "is_dir": _path(os.path.isdir), "exists": _path(os.path.exists), "link": _path(os.path.islink),
    "is_link": _path(os.path.islink), "link_exists": _path(os.path.lexists),
    "abs": _path(os.path.isabs), "is_abs": _path(os.path.isabs),
}  # fmt: skip
