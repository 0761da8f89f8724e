"""Filters on text: regular expressions, encodings, hashes, quoting."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def text_of(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def regex_replace(
    value: Any = "", pattern: str = "", replacement: str = "", ignorecase: bool = False,
    multiline: bool = False, count: int = 0, mandatory_count: int = 0,
) -> str:  # fmt: skip
    text, made = re.subn(
        pattern, replacement, text_of(value), count=count, flags=_flags(ignorecase, multiline)
    )
    if mandatory_count and made != mandatory_count:
        raise ValueError(f"regex_replace made {made} replacements, not {mandatory_count}")
    return text


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return re.findall(pattern, text_of(value), _flags(ignorecase, multiline))


def regex_search(value: Any, pattern: str, *args: str, **options: Any) -> Any:
    """The match, None without one; with groups named (``'\\1'``, ``'\\g<x>'``) the list of them."""
    flags = _flags(options.get("ignorecase", False), options.get("multiline", False))
    groups: list[str | int] = []
    for arg in args:
        named = re.fullmatch(r"\\g<(\w+)>", arg)
        numbered = re.fullmatch(r"\\(\d+)", arg)
        if named:
            groups.append(named[1])
        elif numbered:
            groups.append(int(numbered[1]))
        else:
            raise ValueError(f"regex_search: {arg!r} names no group")
    found = re.search(pattern, text_of(value), flags)
    if found is None:
        return None
    return [found.group(group) for group in groups] if groups else found.group()


def regex_escape(value: Any, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(text_of(value))
    return re.sub(
        r"([].[*^$\\])" if re_type == "posix_basic" else r"([].[*^$()+?{}|\\])", r"\\\1", text_of(value)
    )


def b64encode(value: Any, encoding: str = "utf-8") -> str:
    return base64.b64encode(text_of(value).encode(encoding, "surrogateescape")).decode()


def b64decode(value: Any, encoding: str = "utf-8") -> str:
    return base64.b64decode(text_of(value)).decode(encoding, "surrogateescape")


def digest(value: Any, hashtype: str = "sha1") -> str:
    return hashlib.new(hashtype, text_of(value).encode("utf-8", "surrogateescape")).hexdigest()


def quote(value: Any) -> str:
    import shlex

    return shlex.quote("" if value is None else text_of(value))


def split(value: Any, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    return text_of(value).split(sep, maxsplit)


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """Every line as a comment, in the styles plain, erlang, c, cblock and xml."""
    marks = {"plain": ("", "# ", ""), "erlang": ("", "% ", ""), "c": ("", "// ", ""),
             "cblock": ("/*", " * ", " */"), "xml": ("<!--", " - ", "-->")}  # fmt: skip
    if style not in marks:
        raise ValueError(f"comment: no such style {style!r}")
    begin, mark, end = marks[style]
    mark = options.get("decoration", mark)
    begin, end = options.get("beginning", begin), options.get("end", end)
    edge = [mark.rstrip()] if options.get("prefix") is None else [options["prefix"]]
    count, after = options.get("prefix_count", 1), options.get("postfix_count", 1)
    body = [f"{mark}{line}".rstrip() for line in text_of(value).splitlines()]
    lines = [*([begin] if begin else []), *(edge * count), *body, *(edge * after), *([end] if end else [])]
    return "\n".join(lines)


def to_uuid(value: Any, namespace: str = "361E6D51-FAEC-444A-9079-341386DA8E2E") -> str:
    import uuid  # 2 ms

    return str(uuid.uuid5(uuid.UUID(namespace), text_of(value)))


def url_split(value: Any, query: str = "") -> Any:
    from urllib.parse import urlsplit  # 2 ms

    parts = urlsplit(text_of(value))
    names = ("scheme", "netloc", "path", "query", "fragment", "username", "password", "hostname", "port")
    found = {name: getattr(parts, name) for name in names}
    if not query:
        return found
    if query not in found:
        raise ValueError(f"urlsplit: no such part {query!r}")
    return found[query]


def url_decode(value: Any) -> str:
    from urllib.parse import unquote_plus

    return unquote_plus(text_of(value))


TEXT: dict[str, Callable[..., Any]] = {
    "regex_replace": regex_replace, "regex_findall": regex_findall, "regex_search": regex_search,
    "regex_escape": regex_escape, "b64encode": b64encode, "b64decode": b64decode, "hash": digest,
    "checksum": digest, "sha1": digest, "md5": lambda value: digest(value, "md5"), "quote": quote,
    "split": split, "comment": comment, "to_uuid": to_uuid, "urlsplit": url_split,
    "urldecode": url_decode,
}  # fmt: skip
