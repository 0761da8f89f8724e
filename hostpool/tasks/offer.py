"""What a host has for the patterns of ``Get``, and what it becomes here."""

from __future__ import annotations

from hostpool.errors import TaskFailed, excerpt
from hostpool.sync.diffs import shown
from hostpool.sync.listing import Listing, Record, hostile
from hostpool.sync.tree import DIRECTORY, FILE, LINK, name_of
from hostpool.tasks.base import RunReply
from hostpool.tasks.local import Wanted

MOST = 2_000_000
"""Files that one host may offer."""


class Offer:
    """What a host has for the patterns."""

    def __init__(self, *, over_sftp: bool = False) -> None:
        self.over_sftp = over_sftp
        self.listing = Listing(self.record, limit=MOST)
        self._records: dict[bytes, Record] = {}
        self.roots: dict[bytes, list[bytes]] = {}
        self.skipped: list[str] = []

    def feed(self, data: bytes, /) -> None:
        self.listing.feed(data)

    @property
    def usable(self) -> bool:
        """Whether a shell with the tools we need has answered."""
        facts = self.listing.facts
        return self.listing.marked and facts.get("find") != "none" and facts.get("tar") == "yes"

    def match(self, number: bytes, path: bytes, real: bytes) -> None:
        self.listing.words += [number, path, real]

    def record(self, record: Record) -> None:
        self._records[record.path] = record

    def check(self, reply: RunReply) -> None:
        listing = self.listing
        said = reply.stderr.decode("utf-8", "replace").strip()
        why = f": {excerpt(said.splitlines()[0])}" if said else ""
        if not listing.whole:
            raise TaskFailed(f"the list of its files broke off{why}", kind="list_incomplete")

    def names(
        self, sources: tuple[str, ...], flat: bool
    ) -> tuple[list[tuple[bytes, Wanted]], list[tuple[str, str]]]:
        """(real path, what it becomes here) of all, directories first; (source, reason) of failures."""
        matched = set()
        words = self.listing.words
        for number, path, real in zip(words[::3], words[1::3], words[2::3], strict=False):
            matched.add(number)
            name = b"" if path.endswith(b"/") else name_of(path)
            names = self.roots.setdefault(real.rstrip(b"/") or b"/", [])
            if name not in names:
                names.append(name)
        failures = [
            (source, "no such file") for number, source in enumerate(sources) if b"%d" % number not in matched
        ]
        wanted: dict[bytes, tuple[bytes, Wanted]] = {}
        for path, record in self._records.items():
            if record.kind not in (FILE, DIRECTORY, LINK):
                self.skipped.append(shown(path))
                continue
            for name in self._local_names(path):
                if not name:
                    continue
                if flat:
                    if record.kind != FILE:
                        failures.append((shown(path), "--flat takes files only"))
                        continue
                    name = name_of(path)
                if name in wanted and wanted[name][0] != path:
                    failures.append((shown(path), f"{shown(wanted[name][0])} has the same name here"))
                    continue
                each = Wanted(
                    _checked(name), record.kind, record.mode & 0o777, record.size, record.mtime, record.link
                )
                wanted[name] = (path, each)
        return sorted(wanted.values(), key=lambda pair: (pair[1].kind != DIRECTORY, pair[1].name)), failures

    def _local_names(self, path: bytes) -> list[bytes]:
        found = []
        end = len(path)
        while end >= 0:
            root = path[:end] or b"/"
            rest = path[end:].lstrip(b"/")
            found += [b"/".join(part for part in (name, rest) if part) for name in self.roots.get(root, ())]
            end = path.rfind(b"/", 0, end) if end else -1
        return found


def _checked(name: bytes) -> bytes:
    """Raises TaskFailed for a name that leads out of where it belongs."""
    if b"\0" in name or any(part in (b"", b".", b"..") for part in name.split(b"/")):
        raise hostile(f"it offers a file named {shown(name)}")
    return name
