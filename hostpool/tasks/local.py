"""Requests that the worker answers from this machine: nothing of them reaches a host.

What they find is kept for the other hosts of the same task (its ``key``), so that a tree is read once
and packed once for all hosts with the same need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hostpool.sync.filters import NO_FILTERS, Filters
from hostpool.sync.modes import Change
from hostpool.sync.tree import Tree
from hostpool.tasks.base import Effect, FileSource, Request


@dataclass(frozen=True, kw_only=True)
class Scan(Request[Tree]):
    """Look at local files and directories. A path that ends in ``/`` stands for what is in it (rsync's
    rule): its entries and ``.`` itself. ``name``: the one file's name, if not its own.

    Raises TaskFailed when a source itself cannot be looked at; what cannot be looked at below it is
    in the tree's problems.
    """

    key: str
    paths: tuple[str, ...]
    filters: Filters = NO_FILTERS
    chmod: tuple[Change, ...] = ()
    name: str | None = None
    effect: Effect = field(default=Effect.QUERY)


@dataclass(frozen=True, kw_only=True)
class Digests(Request[dict[int, str]]):
    """SHA-256 of local files of the tree, by their numbers; what cannot be read is left out."""

    key: str
    tree: Tree
    numbers: list[int]
    effect: Effect = field(default=Effect.QUERY)


@dataclass(frozen=True, kw_only=True)
class Texts(Request[dict[int, bytes]]):
    """The content of small local files (at most ``limit`` bytes each)."""

    tree: Tree
    numbers: list[int]
    limit: int
    effect: Effect = field(default=Effect.QUERY)


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of the entries when they were read: ``failed`` (number → reason) did not come along
    whole, ``sums`` are the SHA-256 of those that did (where asked for)."""

    failed: Mapping[int, str]
    sums: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class Pack(Request[FileSource]):
    """The entries ``numbers`` of the tree as a tar stream, below ``t/``, directories after what is in
    them. ``tail`` makes its last members for this one host, when all the rest has been read."""

    key: str
    tree: Tree
    numbers: list[int]
    need: str
    tail: Callable[[Packed], bytes]
    sums: bool
    effect: Effect = field(default=Effect.QUERY)
