"""Host patterns: Ansible's and clush's together.

``web:&prod:!db``, commas, globs, ``~regex``, ``@file`` and ``group[0:2]`` mean what they mean to Ansible;
``n[1-4,7]``, ``n[01-10/2]``, ``rack[1-2]n[1-4]`` are names, as to clush. Source: Ansible's "Patterns:
targeting hosts and groups", inventory/manager.py (2.19).
"""

# Importing pathlib takes longer than this room may take to start.
# ruff: noqa: PTH111

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hostpool.errors import PatternError
from hostpool.inventory.addresses import is_address, split_port
from hostpool.inventory.model import LOCALHOST
from hostpool.inventory.ranges import expand, fold, split_commas
from hostpool.inventory.suggest import did_you_mean

if TYPE_CHECKING:
    from hostpool.inventory.inventory import Inventory

_COLON_PARTS = r"(?:[^\s:\[\]]|\[[^\]]*\])+"
_SUBSCRIPT = r"(.+)\[(?:(-?[0-9]+)|([0-9]+):([0-9]*))\]"
_NAME_RANGE = r"\[[0-9\s,/-]*\]"
_GLOB = re.compile(r"[*?\[]")
MAX_NESTED_FILES = 8
MAX_HINTS = 10


class Selection(NamedTuple):
    """``hosts`` in order, each once. ``unknown`` are plain names that are neither host nor group, with the
    nearest name as hint; ``unmatched`` are globs, regular expressions and groups that hold no host."""

    hosts: tuple[str, ...]
    unknown: tuple[PatternError, ...] = ()
    unmatched: tuple[PatternError, ...] = ()

    @property
    def problems(self) -> list[PatternError]:
        return [*self.unknown, *self.unmatched]


def match(
    inventory: Inventory,
    pattern: str | Sequence[str],
    limit: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
) -> Selection:
    """What ``Inventory.match`` promises."""
    matcher = _Matcher(inventory)
    hosts = matcher.evaluate(_named(inventory, pattern, "pattern"))
    if limit is not None:
        within = set(matcher.evaluate(_named(inventory, limit, "limit")))
        hosts = [host for host in hosts if host in within]
    if exclude is not None:
        terms = split(exclude, inventory.hosts)
        without = set(matcher.evaluate(terms)) if terms else ()
        hosts = [host for host in hosts if host not in without]
    return Selection(tuple(hosts), tuple(matcher.unknown.values()), tuple(matcher.unmatched.values()))


def _named(inventory: Inventory, pattern: str | Iterable[str], what: str) -> list[str]:
    """To Ansible an empty pattern is ``all``. Mostly it is a shell variable that is not set."""
    terms = split(pattern, inventory.hosts)
    if not terms:
        raise PatternError(f"the {what} is empty", hint="write all for every host")
    return terms


def split(pattern: str | Iterable[str], known: Container[str] = ()) -> list[str]:
    """A pattern, or several, as single terms; the names in ``known`` stay whole. Raises PatternError for
    brackets that do not pair."""
    if not isinstance(pattern, str):
        return [term for part in pattern for term in split(part, known)]
    terms: list[str] = []
    for part in split_commas(pattern):
        terms += [part] if part.lstrip("!&") in known else _split_colons(part)
    return terms


def _split_colons(part: str) -> list[str]:
    """Colons separate patterns, except in an IPv6 address, a subscript and a file's name."""
    if part[0] == "@" or part[:2] in ("!@", "&@") or is_address(part) or split_port(part).port is not None:
        return [part]
    if ":" not in part and part.lstrip("!&")[:1] == "~":
        return [part]
    if part.count("[") != part.count("]"):
        raise PatternError(f"a bracket without its partner in {part!r}", hint="write n[1-4] or group[0:2]")
    return re.findall(_COLON_PARTS, part)


class _Matcher:
    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.unknown: dict[str, PatternError] = {}
        self.unmatched: dict[str, PatternError] = {}
        self.files: list[str] = []

    def evaluate(self, terms: list[str]) -> list[str]:
        """Plain terms add hosts, then ``&`` terms narrow, then ``!`` terms take away."""
        plain = [term for term in terms if term[0] not in "!&"]
        found: dict[str, None] = {}
        for term in plain or ["all"]:
            found.update(dict.fromkeys(self._term(term)))
        hosts = list(found)
        for term in terms:
            if term[0] == "&":
                keep = set(self._term(self._operand(term)))
                hosts = [host for host in hosts if host in keep]
        for term in terms:
            if term[0] == "!":
                drop = set(self._term(self._operand(term)))
                hosts = [host for host in hosts if host not in drop]
        return hosts

    def _operand(self, term: str) -> str:
        if len(term) == 1:
            raise PatternError(f"{term} without a pattern after it", hint="write web:&prod or web:!db")
        return term[1:]

    def _term(self, term: str) -> Sequence[str]:
        if term in self.inventory.hosts and term not in self.inventory.groups:
            return (term,)
        if term[0] == "@":
            return self._file(term[1:])
        if term[0] == "~":
            return self._reported(term, self._glob(term, _regex(term[1:], term)))
        if "[" in term:
            return self._bracketed(term)
        if _GLOB.search(term):
            return self._reported(term, self._glob(term, _translated(term)))
        return self._name(term)

    def _bracketed(self, term: str) -> Sequence[str]:
        """``g[0:2]`` and ``g[-1]`` are subscripts, ``n[1-4]`` names; ``n[3]`` is decided by what exists."""
        subscript = re.fullmatch(_SUBSCRIPT, term)
        outside = re.sub(_NAME_RANGE, "", term)
        is_names = not _GLOB.search(outside) and "]" not in outside
        if subscript is None:
            if is_names:
                return self._names(term)
            return self._reported(term, self._glob(term, _translated(term)))
        if subscript[2] is not None and is_names and not subscript[2].startswith("-"):
            return self._number_in_brackets(term, subscript)
        return self._subscript(term, subscript)

    def _number_in_brackets(self, term: str, subscript: re.Match[str]) -> Sequence[str]:
        base, number = subscript[1], subscript[2]
        if base not in self.inventory.groups:
            return self._names(term)
        names = [name for name in expand(term) if self._exists(name)]
        if names:
            raise PatternError(
                f"{term} is ambiguous: {base} is a group and {names[0]} exists too",
                hint=f"write {base}[{number}:{number}] for member {number} of the group, or {names[0]}",
            )
        return self._subscript(term, subscript)

    def _exists(self, name: str) -> bool:
        return name in self.inventory.hosts or name in self.inventory.groups

    def _subscript(self, term: str, subscript: re.Match[str]) -> Sequence[str]:
        base, index, start, end = subscript.groups()
        if "[" in base or _GLOB.search(base):
            hosts: Sequence[str] = (
                self._bracketed(base) if "[" in base else self._glob(base, _translated(base))
            )
        else:
            hosts = self._name(base)
        if not hosts:
            return self._reported(term, hosts)
        if index is None:
            if end and int(end) < int(start):
                raise PatternError(f"the subscript of {term} is empty", hint="write the lower number first")
            return self._reported(term, hosts[int(start) : int(end) + 1 if end else None])
        try:
            return (hosts[int(index)],)
        except IndexError:
            raise PatternError(
                f"{term} is out of range: {base} has {len(hosts)} hosts", hint="members count from 0"
            ) from None

    def _names(self, term: str) -> list[str]:
        hosts: list[str] = []
        unknown: list[str] = []
        for name in expand(term):
            if self._exists(name) or name in LOCALHOST:
                hosts.extend(self._name(name))
            else:
                unknown.append(name)
        if unknown:
            self._report_unknown(unknown, term)
        return hosts

    def _name(self, name: str) -> Sequence[str]:
        inventory = self.inventory
        if name in inventory.groups:
            members = inventory.members(name)
            if name in inventory.hosts and "." in name and name not in members:
                members = (*members, name)
            return self._reported(name, members)
        if name in inventory.hosts:
            return (name,)
        if name in LOCALHOST:
            return (next((known for known in inventory.hosts if known in LOCALHOST), name),)
        self._report_unknown([name], name)
        return ()

    def _report_unknown(self, names: list[str], term: str) -> None:
        """One report for a term, however many of its names are unknown."""
        if term in self.unknown:
            return
        inventory = self.inventory
        base = term.partition("[")[0]
        if term != names[0] and base in inventory.groups:
            hint: str | None = f"{base} is a group: its members are {base}[0:2], inclusive"
        else:
            # Looking for the nearest of thousands takes a while: thousands of wrong names get no hint each.
            near = len(self.unknown) < MAX_HINTS
            hint = did_you_mean(names[0], (*inventory.groups, *inventory.hosts)) if near else None
        folded = fold(names)
        message = f"unknown host or group {folded}" + (f" in {term}" if term != folded else "")
        self.unknown[term] = PatternError(message, hint=hint, kind="unknown_name")

    def _glob(self, term: str, regex: re.Pattern[str]) -> list[str]:
        """Members of the groups whose name matches, then hosts whose own name does."""
        inventory = self.inventory
        groups = [name for name in inventory.groups if regex.match(name)]
        hosts = [host for group in groups for host in inventory.members(group)]
        return hosts + [name for name in inventory.hosts if regex.match(name)]

    def _reported(self, term: str, hosts: Sequence[str]) -> Sequence[str]:
        if not hosts:
            what = "holds no host" if term in self.inventory.groups else "matched no host"
            self.unmatched.setdefault(term, PatternError(f"{term} {what}", kind="no_match"))
        return hosts

    def _file(self, path: str) -> list[str]:
        """One pattern a line; blank lines and ``#`` comments do not count."""
        if path in self.files or len(self.files) >= MAX_NESTED_FILES:
            raise PatternError(f"@{path} includes itself", file=path)
        try:
            with open(os.path.expanduser(path), encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise PatternError(f"cannot read the pattern file {path}: {reason}", file=path) from error
        terms = [
            term for line in lines if line and line[0] != "#" for term in split(line, self.inventory.hosts)
        ]
        if not terms:
            return list(self._reported(f"@{path}", ()))
        self.files.append(path)
        try:
            return self.evaluate(terms)
        finally:
            self.files.pop()


def _translated(term: str) -> re.Pattern[str]:
    from fnmatch import translate

    return _regex(translate(term), term)


def _regex(text: str, term: str) -> re.Pattern[str]:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"bad pattern {term}: {error}") from error
