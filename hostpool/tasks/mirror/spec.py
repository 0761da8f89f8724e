"""What is asked of a transfer to a host, and in which manner its host can do it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from hostpool.batches import Limit
from hostpool.sync.compare import PLAIN, Rules
from hostpool.sync.filters import NO_FILTERS, Filters
from hostpool.sync.modes import Change
from hostpool.sync.tree import DIRECTORY, Tree
from hostpool.tasks.base import Outcome, Request

Steps = Generator[Request[Any], Any, Outcome]


class Mirror(msgspec.Struct, frozen=True):
    """What goes where, and how. ``rules.uid``/``gid`` come from the host for ``owner`` and ``group``
    (names or numbers); ``max_delete`` counts entries of the host below DEST."""

    key: str
    sources: tuple[str, ...]
    dest: str
    rules: Rules = PLAIN
    filters: Filters = NO_FILTERS
    chmod: tuple[Change, ...] = ()
    name: str | None = None
    owner: str = ""
    group: str = ""
    in_place: bool = False
    verify: bool = False
    make_parents: bool = True
    max_delete: Limit | None = None
    diff: bool = False
    list_changes: bool = False

    @property
    def where(self) -> str:
        """DEST for the host's shell, in whose home directory it starts."""
        if self.dest in ("", "~", "~/"):
            return "./" if self.dest.endswith("/") else "."
        return self.dest.removeprefix("~/")

    @property
    def chown(self) -> str:
        return f"{self.owner}:{self.group}" if self.group else self.owner


class Manner(msgspec.Struct, frozen=True):
    """How it is done. ``owner`` for chown (``user:group``, ``:group``) or empty; ``sums``: how the host
    makes SHA-256 sums, empty for no verification; ``replace``: directories with what is in them give way
    to files. ``directories``: those that were there already get the tree's modes and times as well.
    ``late_links``: its tar makes links after all else (BusyBox does), which changes times of directories."""

    owner: str = ""
    in_place: bool = False
    sums: str = ""
    replace: bool = False
    directories: bool = True
    late_links: bool = False


def is_single(mirror: Mirror, tree: Tree) -> bool:
    """One file (or symlink) alone: then DEST may be its new name."""
    return len(mirror.sources) == 1 and len(tree) == 1 and tree.kinds[0] != DIRECTORY
