"""Requests that the worker answers from this machine: nothing of them reaches a host.

What they find is kept for the other hosts of the same task (its ``key``), so that a tree is read once
and packed once for all hosts with the same need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from hostpool.sync.compare import Plan
from hostpool.sync.filters import NO_FILTERS, Filters
from hostpool.sync.listing import Record
from hostpool.sync.modes import Change
from hostpool.sync.tree import Tree
from hostpool.sync.untar import Taker
from hostpool.tasks.base import Effect, FileSource, Intake, Request


class Scan(Request[Tree], frozen=True, kw_only=True):
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
    effect: Effect = Effect.QUERY


class Digests(Request[dict[int, str]], frozen=True, kw_only=True):
    """SHA-256 of local files of the tree, by their numbers; what cannot be read is left out."""

    key: str
    tree: Tree
    numbers: list[int]
    effect: Effect = Effect.QUERY


class Texts(Request[dict[int, bytes]], frozen=True, kw_only=True):
    """The content of small local files (at most ``limit`` bytes each)."""

    tree: Tree
    numbers: list[int]
    limit: int
    effect: Effect = Effect.QUERY


class Packed(msgspec.Struct, frozen=True):
    """What became of the entries when they were read: ``failed`` (number → reason) did not come along
    whole, ``sums`` are the SHA-256 of those that did (where asked for)."""

    failed: Mapping[int, str]
    sums: Mapping[int, str]


class Pack(Request[FileSource], frozen=True, kw_only=True):
    """The entries ``numbers`` of the tree as a tar stream, below ``t/``, directories after what is in
    them. ``tail`` makes its last members for this one host, when all the rest has been read; ``head`` comes
    before it all."""

    key: str
    tree: Tree
    numbers: list[int]
    need: str
    tail: Callable[[Packed], bytes]
    sums: bool
    head: bytes = b""
    effect: Effect = Effect.QUERY


# -- the way back


class Wanted(msgspec.Struct, frozen=True):
    """A file, directory or symlink of a host, as it is to stand here. ``name`` is relative to the
    host's own directory (``flat``: to DESTDIR), checked to lead nowhere else."""

    name: bytes
    kind: int
    mode: int
    size: int
    mtime: int
    link: bytes = b""


class Standing(Request[list[int]], frozen=True, kw_only=True):
    """Which of ``wanted`` (by their places in it) do not stand here as they should: other kind, size,
    time, mode of a file, or target of a symlink."""

    directory: str
    flat: bool
    wanted: list[Wanted]
    effect: Effect = Effect.QUERY


class Receiver(Intake, Taker, Protocol):
    """Takes a tar stream with the files that were asked for; what it takes is nowhere to be seen until
    it is accepted."""

    @property
    def facts(self) -> Mapping[str, str]: ...

    @property
    def sums(self) -> Mapping[bytes, str]: ...

    @property
    def whole(self) -> bool: ...

    def forget(self, path: bytes, /) -> None:
        """What came of this file does not count."""
        ...


class Receive(Request[Receiver], frozen=True, kw_only=True):
    """``files``: path on the host (absolute) → what it is to become here, under each of its names.
    ``exact``: the names are below ``directory``, not below the host's own in it. Nothing else is taken, and
    no more than ``limit`` bytes. Raises TaskFailed when there is no room for them."""

    directory: str
    flat: bool
    files: Mapping[bytes, list[Wanted]]
    limit: int
    exact: bool = False
    effect: Effect = Effect.QUERY


class Accept(Request[list[tuple[bytes, str]]], frozen=True, kw_only=True):
    """Put what was received in its place, and directories and symlinks too. Returns (name, reason) of
    what could not be. ``verify``: files whose SHA-256 differs from the host's word are not taken.
    ``keep`` False: throw it away."""

    receiver: Receiver
    others: list[Wanted]
    verify: bool
    keep: bool = True
    effect: Effect = Effect.QUERY


class Digest(msgspec.Struct, frozen=True):
    """Of a local file, in hexadecimal."""

    sha1: str
    md5: str


class Sums(Request[Digest | None], frozen=True, kw_only=True):
    """Of the local file at ``path``; None where there is none. Raises TaskFailed where it cannot be read."""

    path: str
    effect: Effect = Effect.QUERY


# -- hosts without a shell


class SftpList(Request[dict[str, str]], frozen=True, kw_only=True):
    """Look at files over SFTP: ``record`` is called for each, as for find's. Returns the facts that the
    shell's answer has too (``state``, ``anchor``). Arguments as in files_query.Question."""

    dest: str
    single: bytes = b""
    alone: tuple[bytes, ...] = ()
    below: tuple[bytes, ...] = ()
    record: Callable[[Record], None]
    fact: Callable[[str, str], None]
    effect: Effect = Effect.QUERY


class SftpSums(Request[dict[bytes, str]], frozen=True, kw_only=True):
    """SHA-256 of files of the host, read back over SFTP, by path below ``dest``."""

    dest: str
    paths: Mapping[bytes, int]
    effect: Effect = Effect.QUERY


class SftpApply(Request[list[tuple[bytes, str]]], frozen=True, kw_only=True):
    """Carry out a plan over SFTP: each file under a temporary name, read back if ``verify``, renamed.
    Returns (path, reason) of what failed."""

    key: str
    dest: str
    plan: Plan
    leftovers: list[bytes]
    verify: bool
    in_place: bool
    replace: bool
    directories: bool


class SftpFind(Request[None], frozen=True, kw_only=True):
    """What the patterns name: ``match`` gets the pattern's number, the path as matched and its real path,
    ``record`` everything at and below it, by real path."""

    patterns: tuple[str, ...]
    match: Callable[[bytes, bytes, bytes], None]
    record: Callable[[Record], None]
    effect: Effect = Effect.QUERY


class SftpFetch(Request[None], frozen=True, kw_only=True):
    """Files of these sizes, by real path, into the receiver."""

    files: Mapping[bytes, int]
    receiver: Receiver
