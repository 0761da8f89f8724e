"""Files and trees from here to a host: ``Put`` and ``Sync``. How that is done is imported where it is
done, in the workers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from hostpool.batches import Limit

if TYPE_CHECKING:
    from hostpool.tasks.mirror.spec import Steps

MAX_DELETE = Limit(10, percent=True)


def _key() -> str:
    return secrets.token_hex(8)


class Sync(msgspec.Struct, frozen=True):
    """One-way mirror of the local ``src`` to ``dest`` of the host, as ``rsync -a`` (without owners).

    A slash at the end of ``src`` means its content, none the directory itself (rsync's rule). ``filters``
    are ("exclude" | "include", pattern) pairs in order, with rsync's meaning. ``delete`` removes what is
    not in ``src``; it refuses an empty ``src`` and more than ``max_delete`` of the host's entries.
    ``checksum`` compares by SHA-256, not by size and time. ``chmod`` as rsync's (``D755,F644``).
    ``in_place`` writes into existing files: owner, ACL and hard links stay, and readers may see half of
    it. ``diff`` adds the differences of text files to what is told, ``list_changes`` the names.
    Times are kept in whole seconds.
    """

    src: str
    dest: str
    delete: bool = False
    max_delete: Limit = MAX_DELETE
    checksum: bool = False
    filters: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    group: str = ""
    chmod: str = ""
    in_place: bool = False
    verify: bool = False
    diff: bool = False
    list_changes: bool = False
    key: str = msgspec.field(default_factory=_key)

    @property
    def name(self) -> str:
        return f"sync {self.src} {self.dest}"

    def steps(self) -> Steps:
        from hostpool.sync import modes
        from hostpool.sync.compare import Rules
        from hostpool.sync.filters import filters_of
        from hostpool.tasks.mirror.spec import Mirror
        from hostpool.tasks.mirror.steps import mirror_steps

        filters = filters_of(self.filters)
        return mirror_steps(
            Mirror(
                key=self.key,
                sources=(self.src,),
                dest=self.dest,
                rules=Rules(checksum=self.checksum, delete=self.delete, filters=filters),
                filters=filters,
                chmod=modes.parse(self.chmod) if self.chmod else (),
                owner=self.owner,
                group=self.group,
                in_place=self.in_place,
                verify=self.verify,
                max_delete=self.max_delete,
                diff=self.diff,
                list_changes=self.list_changes,
            )
        )


class Put(msgspec.Struct, frozen=True):
    """Local files and trees ``sources`` to ``dest`` of the host, as ``cp -R``: one file may get a new
    name, several go into a directory; a slash at the end of ``dest`` says that it is one.

    Each file arrives whole or not at all, and is compared by size and SHA-256 on both ends unless
    ``verify`` is False; then size and time decide what is sent. ``mode`` (``644``, ``D755,F644``)
    instead of the files' own. ``as_name``: the name of the one source, where it has none of its own
    (standard input); ``fingerprint`` then tells one content from another.
    """

    sources: tuple[str, ...]
    dest: str
    mode: str = ""
    owner: str = ""
    group: str = ""
    in_place: bool = False
    verify: bool = True
    diff: bool = False
    list_changes: bool = False
    as_name: str | None = None
    fingerprint: str | None = None
    key: str = msgspec.field(default_factory=_key)

    @property
    def name(self) -> str:
        sources = self.sources if self.as_name is None else ("-",)
        return " ".join(("put", *sources, self.dest))

    def steps(self) -> Steps:
        from hostpool.sync import modes
        from hostpool.sync.compare import Rules
        from hostpool.tasks.mirror.spec import Mirror
        from hostpool.tasks.mirror.steps import mirror_steps

        return mirror_steps(
            Mirror(
                key=self.key,
                sources=self.sources,
                dest=self.dest,
                rules=Rules(checksum=self.verify, times=False, directories=False),
                chmod=modes.parse(self.mode) if self.mode else (),
                name=self.as_name,
                owner=self.owner,
                group=self.group,
                in_place=self.in_place,
                verify=self.verify,
                diff=self.diff,
                list_changes=self.list_changes,
            )
        )
