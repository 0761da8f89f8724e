"""What a host said about its files, compared as it comes."""

from __future__ import annotations

from msgspec.structs import replace

from hostpool.errors import TaskFailed, excerpt
from hostpool.sync.compare import Compare
from hostpool.sync.listing import Listing, Record
from hostpool.sync.tree import Tree
from hostpool.tasks.base import RunReply
from hostpool.tasks.mirror.spec import Mirror, is_single


class Answer:
    """What a host said, compared as it comes."""

    def __init__(self, mirror: Mirror, tree: Tree, *, over_sftp: bool = False) -> None:
        self._mirror = mirror
        self._tree = tree
        self._compare: Compare | None = None
        self.over_sftp = over_sftp
        self.listing = Listing(self.record)

    def feed(self, data: bytes, /) -> None:
        self.listing.feed(data)

    @property
    def facts(self) -> dict[str, str]:
        return self.listing.facts

    @property
    def compare(self) -> Compare:
        if self._compare is None:
            tree = self._tree
            if is_single(self._mirror, tree):
                tree = tree.named(self._name())
            rules = replace(
                self._mirror.rules,
                uid=self._number("uid", self._mirror.owner),
                gid=self._number("gid", self._mirror.group),
            )
            self._compare = Compare(tree, rules)
            self.listing.known = self._compare.known()
        return self._compare

    @property
    def names_parent(self) -> bool:
        """Whether DEST is the one file's name to be, not the directory it goes into."""
        return self.facts.get("anchor") == "parent"

    @property
    def directory(self) -> str:
        """DEST, or where the one file of that name goes."""
        dest = self._mirror.where
        if not self.names_parent:
            return dest
        head, slash, _ = dest.rpartition("/")
        return (head or "/") if slash else "."

    @property
    def perl(self) -> bool:
        """Whether it has one, in a place that is there, and no labels to look after."""
        return self.facts.get("perl") == "yes" and self.facts.get("state") == "dir" and not self.over_sftp

    @property
    def sums(self) -> str:
        """The host's way to SHA-256 sums; empty where there is none."""
        kind = self.facts.get("sums", "")
        return "" if kind == "none" else kind

    def _name(self) -> bytes:
        if self.names_parent:
            return self._mirror.where.rpartition("/")[2].encode("utf-8", "surrogateescape")
        return self._tree.paths[0]

    def record(self, record: Record) -> None:
        self.compare.add(record)

    def _number(self, fact: str, name: str) -> int | None:
        if not name:
            return None
        if name.isdigit():
            return int(name)
        found = self.facts.get(fact, "")
        if not found.isdigit():
            what = "user" if fact == "uid" else "group"
            raise TaskFailed(f"the host knows no {what} {name!r}", kind="unknown_owner")
        return int(found)


def first_line(reply: RunReply) -> str:
    text = (reply.stderr or reply.stdout).decode("utf-8", "replace").strip()
    return f": {excerpt(text.splitlines()[0])}" if text else ""
