"""Diffs of many hosts taken apart into hunks, each shown once with the names of its hosts.

What comes in are unified diffs that were made here, of texts that hosts made: so each hunk is taken by the
line counts of its heading, and no line of a file can pass for a heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from hostpool.views.spool import Slot, Spool

_RANGE = r"\d+(?:,(\d+))?"
_PLACE = rf"@@ -{_RANGE} \+{_RANGE} @@\n"
_LINE = r"[^\n]*\n|[^\n]+"
_ANYWHERE = "@@ at different lines @@\n"


class Hunk(msgspec.Struct, frozen=True):
    """``file``: the two lines that name it, or nothing for what is no hunk; ``place``: its ``@@`` line."""

    file: str
    place: str
    body: str


def hunks(diff: str) -> Iterator[Hunk]:
    """What ``diff`` is made of. Whatever is no hunk of a unified diff comes as one without a place."""
    lines = re.findall(_LINE, diff)
    file, at = "", 0
    while at < len(lines):
        if lines[at].startswith("--- ") and "".join(lines[at + 1 : at + 2]).startswith("+++ "):
            file, at = lines[at] + lines[at + 1], at + 2
            continue
        heading = re.fullmatch(_PLACE, lines[at])
        if heading is None:
            yield Hunk("", "", lines[at])
            at += 1
            continue
        end = _end(lines, at + 1, *(1 if count is None else int(count) for count in heading.groups()))
        yield Hunk(file, lines[at], "".join(lines[at + 1 : end]))
        at = end


def _end(lines: list[str], at: int, old: int, new: int) -> int:
    """Where the hunk ends that has so many old and new lines."""
    while at < len(lines):
        sign = lines[at][:1]
        if sign == "\\":  # No newline at end of file
            at += 1
            continue
        old -= sign in (" ", "-")
        new -= sign in (" ", "+")
        if min(old, new) < 0 or sign not in (" ", "-", "+"):
            break
        at += 1
    return at


class Shared(msgspec.Struct):
    """One hunk and the places (in inventory order) of the hosts that have it."""

    file: str
    place: str
    body: Slot
    order: tuple[int, int]
    hosts: list[int] = msgspec.field(default_factory=list)


class Block(msgspec.Struct):
    """Hunks that the same hosts have, in the order of their files; ``place`` and body are texts."""

    hosts: list[str]
    hunks: list[Shared]


class Hunks:
    """Collects diffs; each different hunk is kept once, in a spool. ``together=False`` folds nothing.

    The order depends on nothing but the hosts' order and their diffs: hunks stand as in the diff of the
    first host that has them, those of one file together.
    """

    def __init__(self, *, together: bool = True, text: Callable[[str], str] = str) -> None:
        self._together = together
        self._text = text
        self._spool = Spool()
        self._names: dict[int, str] = {}
        self._found: dict[object, Shared] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: int, host: str, diff: str) -> None:
        """``place``: of the host in the inventory's order."""
        self._names[place] = host
        seen: dict[tuple[str, str], int] = {}
        for number, hunk in enumerate(hunks(diff)):
            file, body = self._text(hunk.file), self._text(hunk.body)
            # A host may have the same hunk twice: two changes of one file by one task.
            again = seen[file, body] = seen.get((file, body), -1) + 1
            key = (file, body, again, None if self._together else place)
            shared = self._found.get(key)
            if shared is None:
                slot = self._spool.put_text(body)
                shared = self._found[key] = Shared(file, hunk.place, slot, (place, number))
            shared.hosts.append(place)
            shared.order = min(shared.order, (place, number))
            if shared.place != hunk.place:
                shared.place = _ANYWHERE

    def blocks(self) -> Iterator[Block]:
        """Hunks of the same file and the same hosts together."""
        first: dict[str, tuple[int, int]] = {}
        groups: dict[tuple[str, tuple[int, ...]], list[Shared]] = {}
        for shared in self._found.values():
            where = (shared.file, tuple(sorted(shared.hosts)))
            groups.setdefault(where, []).append(shared)
            first[shared.file] = min(first.get(shared.file, shared.order), shared.order)

        def order(where: tuple[str, tuple[int, ...]]) -> tuple[tuple[int, int], tuple[int, int]]:
            return first[where[0]], min(shared.order for shared in groups[where])

        block: Block | None = None
        before: tuple[int, ...] = ()
        for where in sorted(groups, key=order):
            found = sorted(groups[where], key=lambda shared: shared.order)
            if block is not None and where[1] == before:
                block.hunks += found
                continue
            if block is not None:
                yield block
            before = where[1]
            block = Block([self._names[place] for place in before], found)
        if block is not None:
            yield block

    def body(self, shared: Shared) -> str:
        return self._spool.get_text(shared.body)

    def close(self) -> None:
        self._spool.close()
