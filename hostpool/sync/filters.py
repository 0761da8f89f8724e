"""rsync's filter rules: --exclude, --include and --exclude-from (rsync(1), FILTER RULES).

The first rule that matches a name decides; a name that none matches is included. What is below an
excluded directory is never looked at, whatever other rules say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec

_WILD = re.compile(rb"[*?\[]")
_CLASSES = {
    b"alnum": b"0-9A-Za-z", b"alpha": b"A-Za-z", b"blank": b" \\t", b"cntrl": b"\\x00-\\x1f\\x7f",
    b"digit": b"0-9", b"graph": b"\\x21-\\x7e", b"lower": b"a-z", b"print": b"\\x20-\\x7e",
    b"punct": b"!-/:-@\\[-`{-~", b"space": b"\\s", b"upper": b"A-Z", b"xdigit": b"0-9A-Fa-f",
}  # fmt: skip


class Rule(msgspec.Struct, frozen=True, dict=True):
    """One pattern, as rsync writes it: ``/`` at its start ties it to the root of the transfer, ``/`` at
    its end restricts it to directories."""

    pattern: bytes
    include: bool

    @cached_property
    def _parts(self) -> tuple[bytes, bool]:
        """The pattern without a final slash, and whether it had one."""
        only_directories = len(self.pattern) > 1 and self.pattern.endswith(b"/")
        return (self.pattern[:-1] if only_directories else self.pattern), only_directories

    @cached_property
    def _regex(self) -> re.Pattern[bytes]:
        pattern, _ = self._parts
        anchored = pattern.startswith(b"/")
        body = pattern[1:] if anchored else pattern
        if not _WILD.search(pattern):
            return re.compile((b"" if anchored else b"(?:.*/)?") + re.escape(body), re.DOTALL)
        anywhere = not anchored and not body.startswith(b"**") and b"**" in body
        return re.compile((b"(?:.*/)?" if anywhere else b"") + translate(body), re.DOTALL)

    @cached_property
    def _elements(self) -> int:
        """How many last names of a path a pattern with slashes is compared with; 0: with all of it."""
        pattern, _ = self._parts
        if pattern.startswith(b"/") or b"**" in pattern or not _WILD.search(pattern):
            return 0
        return pattern.count(b"/") + 1

    def matches(self, path: bytes, is_directory: bool) -> bool:
        """``path`` is relative to the root of the transfer, without a slash at either end."""
        pattern, only_directories = self._parts
        if only_directories and not is_directory:
            return False
        name = path
        if b"/" not in pattern and b"**" not in pattern:
            name = path.rsplit(b"/", 1)[-1]
        elif pattern.endswith(b"/***") and is_directory:
            name = path + b"/"
        if pattern.startswith(b"**"):
            name = b"/" + name  # so that **/a finds an a at the top as well
        elif self._elements:
            parts = name.split(b"/")
            if len(parts) < self._elements:
                return False
            name = b"/".join(parts[-self._elements :])
        return self._regex.fullmatch(name) is not None


class Filters(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...] = ()

    def excludes(self, path: bytes, is_directory: bool) -> bool:
        """Whether this name itself is left out; its directories are the caller's to ask about."""
        for rule in self.rules:
            if rule.matches(path, is_directory):
                return not rule.include
        return False

    def hides(self, path: bytes, is_directory: bool) -> bool:
        """Whether this name or any directory above it is left out."""
        if not self.rules:
            return False
        end = path.find(b"/")
        while end >= 0:
            if self.excludes(path[:end], True):
                return True
            end = path.find(b"/", end + 1)
        return self.excludes(path, is_directory)


NO_FILTERS = Filters()


def rules_of_file(lines: Iterable[bytes], *, include: bool = False) -> list[Rule]:
    """The rules of an --exclude-from file: one a line; blank lines and comments (``#``, ``;``) are
    skipped, ``+ `` and ``- `` before a pattern say what it does, ``!`` forgets the rules so far."""
    rules: list[Rule] = []
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line or line[:1] in (b"#", b";"):
            continue
        if line == b"!":
            rules.clear()
        elif line[:2] in (b"+ ", b"- "):
            rules.append(Rule(line[2:], line[:1] == b"+"))
        else:
            rules.append(Rule(line, include))
    return rules


def filters_of(rules: Sequence[tuple[str, str]]) -> Filters:
    """From ("exclude" | "include", pattern) pairs, in the order in which they were given."""
    return Filters(
        tuple(Rule(pattern.encode("utf-8", "surrogateescape"), kind == "include") for kind, pattern in rules)
    )


def translate(pattern: bytes) -> bytes:
    """The regular expression of a pattern with wildcards: ``*`` and ``?`` stop at a slash, ``**`` does
    not, ``[…]`` never matches one, a backslash takes the next character as it is."""
    out = []
    index = 0
    while index < len(pattern):
        char = pattern[index : index + 1]
        if char == b"*":
            stars = len(pattern) - index - len(pattern[index:].lstrip(b"*"))
            out.append(b"[^/]*" if stars == 1 else b".*")
            index += stars
        elif char == b"?":
            out.append(b"[^/]")
            index += 1
        elif char == b"[":
            regex, index = _bracket(pattern, index)
            out.append(regex)
        elif char == b"\\" and index + 1 < len(pattern):
            out.append(re.escape(pattern[index + 1 : index + 2]))
            index += 2
        else:
            out.append(re.escape(char))
            index += 1
    return b"".join(out)


_NEVER = b"(?!)"


def _bracket(pattern: bytes, start: int) -> tuple[bytes, int]:
    """The expression at ``start`` and where the pattern goes on. An open one matches nothing."""
    index = start + 1
    negated = pattern[index : index + 1] in (b"!", b"^")
    index += negated
    parts: list[bytes] = []
    first = True
    while first or pattern[index : index + 1] != b"]":
        first = False
        named = re.match(rb"\[:(\w+):\]", pattern[index:])
        if named:
            if named[1] not in _CLASSES:
                return _NEVER, len(pattern)
            parts.append(_CLASSES[named[1]])
            index += named.end()
            continue
        low, index = _member(pattern, index)
        if not low:
            return _NEVER, len(pattern)
        high = low
        if pattern[index : index + 1] == b"-" and pattern[index + 1 : index + 2] not in (b"]", b""):
            high, index = _member(pattern, index + 1)
            if not high:
                return _NEVER, len(pattern)
        if low <= high:
            parts.append(re.escape(low) + b"-" + re.escape(high))
    body = b"".join(parts)
    if negated:
        return b"[^/" + body + b"]", index + 1
    return (b"(?!/)[" + body + b"]" if body else _NEVER), index + 1


def _member(pattern: bytes, index: int) -> tuple[bytes, int]:
    """One character of a bracket, empty at the pattern's end, and where it goes on."""
    if pattern[index : index + 1] == b"\\":
        index += 1
    char = pattern[index : index + 1]
    return char, index + 1
