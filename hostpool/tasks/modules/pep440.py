"""Versions of Python packages, and whether one fits a requirement.

Source: the version specifiers of the Python Packaging User Guide (PEP 440), PEP 508 for requirements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_VERSION = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]*))?"
    r"(?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;()]+)")
_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*\(?\s*"
    r"((?:(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()]+\s*,?\s*)*)\)?\s*"
)
_LAST = 1 << 62


@dataclass(frozen=True, slots=True)
class Version:
    """``key`` compares; ``release`` and ``local`` are what some operators look at alone."""

    epoch: int
    release: tuple[int, ...]
    pre: tuple[str, int] | None
    post: int | None
    dev: int | None
    local: tuple[tuple[int, str, int], ...]

    @property
    def public(self) -> tuple[object, ...]:
        """Without the local part: dev, then pre-releases, the release, post-releases."""
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        if self.pre is None and self.post is None and self.dev is not None:
            pre: tuple[str, int] = ("", 0)
        else:
            pre = self.pre or ("z", 0)
        post = -1 if self.post is None else self.post
        return self.epoch, release, pre, post, _LAST if self.dev is None else self.dev

    @property
    def key(self) -> tuple[object, ...]:
        return *self.public, self.local


def version(text: str) -> Version | None:
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    pre = (found["pre"] or "").lower()
    number = found["post_n1"] or found["post_n2"]
    local = re.split("[-_.]", found["local"].lower()) if found["local"] else []
    return Version(
        int(found["epoch"] or 0),
        tuple(map(int, found["release"].split("."))),
        (_PRE.get(pre, pre), int(found["pre_n"] or 0)) if pre else None,
        int(number or 0) if found["post"] else None,
        int(found["dev_n"] or 0) if found["dev"] else None,
        tuple((1, "", int(each)) if each.isdigit() else (0, each, 0) for each in local),
    )


@dataclass(frozen=True, slots=True)
class Requirement:
    """``name`` is canonical (PEP 503); ``shown`` is the requirement as pip's tools print it."""

    name: str
    extras: bool
    clauses: tuple[tuple[str, str], ...]
    shown: str

    def holds(self, installed: str) -> bool:
        return all(_holds(installed, operator, wanted) for operator, wanted in self.clauses)


def canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def requirement(text: str) -> Requirement | None:
    """None for what no list of installed packages can answer: a URL, a path, a condition."""
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        return None
    clauses = tuple(_CLAUSE.findall(found[3]))
    extras = sorted(each.strip() for each in (found[2] or "").split(",") if each.strip())
    shown = found[1] + (f"[{','.join(extras)}]" if extras else "")
    shown += ",".join(sorted(f"{operator}{wanted}" for operator, wanted in clauses))
    return Requirement(canonical(found[1]), bool(extras), clauses, shown)


def _holds(installed: str, operator: str, wanted: str) -> bool:
    if operator == "===":
        return installed.strip().lower() == wanted.lower()
    there = version(installed)
    if there is None:
        return False
    if operator in ("==", "!=") and wanted.endswith(".*"):
        return _prefix(there, wanted[:-2]) is (operator == "==")
    limit = version(wanted)
    if limit is None:
        return False
    if operator in ("==", "!="):
        same = there.key == limit.key if limit.local else there.public == limit.public
        return same is (operator == "==")
    if operator == "~=":
        series = ".".join(map(str, limit.release[:-1]))
        return there.public >= limit.public and _prefix(there, f"{limit.epoch}!{series}")
    return _ordered(there, operator, limit)


def _ordered(there: Version, operator: str, limit: Version) -> bool:
    """``<`` leaves out pre-releases of the limit, ``>`` its post-releases, unless it is one itself."""
    if operator == "<=":
        return there.public <= limit.public
    if operator == ">=":
        return there.public >= limit.public
    if operator == "<":
        early = limit.pre is not None or limit.dev is not None
        return there.public < (limit if early else replace(limit, dev=0)).public
    if limit.dev is not None:
        return there.public >= replace(limit, dev=limit.dev + 1).public
    if limit.post is not None:
        return there.public >= replace(limit, post=limit.post + 1, dev=0).public
    post = there.post is not None and replace(there, post=None, dev=None).public == limit.public
    return there.public > limit.public and not post


def _padded(one: Version, length: int) -> tuple[int, tuple[int, ...]]:
    return one.epoch, one.release + (0,) * (length - len(one.release))


def _prefix(there: Version, text: str) -> bool:
    limit = version(text)
    if limit is None:
        return False
    epoch, release = _padded(there, len(limit.release))
    if (epoch, release[: len(limit.release)]) != (limit.epoch, limit.release):
        return False
    return limit.pre is None or (there.pre == limit.pre and (limit.post is None or there.post == limit.post))
