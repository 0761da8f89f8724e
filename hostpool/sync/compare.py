"""Two trees side by side, one of them coming in piece by piece: what has to be done to the other."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping

import msgspec

from hostpool.sync.filters import NO_FILTERS, Filters
from hostpool.sync.listing import Record
from hostpool.sync.tree import DIRECTORY, FILE, LINK, ROOT, Tree, directory_of

STAGE = b".hostpool-"
"""What our temporary directories on a host begin with."""
_MOST_EXPECTED = 200_000
"""Entries of a tree above which memory matters more than time."""
MISSING, SAME, ATTRIBUTES, CONTENT, OTHER_KIND = range(5)


class Rules(msgspec.Struct, frozen=True):
    """What counts as a difference. ``times`` of files and directories in whole seconds; ``checksum``:
    the content decides, not size and time; ``uid``/``gid`` None: whoever owns it may keep it.
    ``delete``: what is there and not here has to go; ``directories``: modes and times of directories
    that are there already matter too."""

    times: bool = True
    modes: bool = True
    directories: bool = True
    checksum: bool = False
    delete: bool = False
    uid: int | None = None
    gid: int | None = None
    filters: Filters = NO_FILTERS


PLAIN = Rules()


class Plan(msgspec.Struct, eq=False):
    """Numbers are entries of the tree, paths those of the host.

    ``send``: new and changed entries, directories too; ``tops``: those of them whose directory is
    there already. ``replaced``: files that are there, with what is known of them; ``in_the_way``: what
    has to go before something of another kind takes its name. ``protected``: directories in which a
    filter hides something, so that they cannot go. ``severed``: replaced files that have names outside
    of the tree, which keep the old content.
    """

    tree: Tree
    send: list[int] = []
    tops: list[int] = []
    chmod: list[int] = []
    touch: list[int] = []
    chown: list[int] = []
    in_the_way: dict[int, int] = {}
    replaced: dict[int, Record] = {}
    delete: list[bytes] = []
    protected: set[bytes] = set()
    devices: dict[bytes, int] = {}
    severed: list[int] = []
    root_missing: bool = False
    remote_total: int = 0
    delete_total: int = 0

    @property
    def empty(self) -> bool:
        return not (self.send or self.chmod or self.touch or self.chown or self.delete or self.root_missing)

    @property
    def bytes(self) -> int:
        """Of content that travels."""
        return sum(self.tree.sizes[number] for number in self.send)

    def key(self) -> str:
        """The same for every host that needs the same entries of this tree under the same names: a single
        file may have another on each host."""
        name = self.tree.paths[0] if self.send else b""
        return hashlib.sha256(array("l", self.send).tobytes() + name).hexdigest()[:32]


class Compare:
    """``add`` each record of the host, then ``candidates`` (whose sums decide), then ``plan``."""

    def __init__(self, tree: Tree, rules: Rules) -> None:
        self.tree = self._tree = tree
        self._rules = rules
        self._states = bytearray(len(tree))
        self._known: dict[int, Record] = {}
        self._inodes: dict[int, tuple[int, int]] = {}
        self._names: dict[tuple[int, int], int] = {}
        self._linked = tree.linked()
        self._first = {**{first: first for first in self._linked}, **tree.groups}
        self._extras: list[tuple[bytes, bool]] = []
        self._root_device: int | None = None
        self.devices: dict[bytes, int] = {}
        self.leftovers: list[bytes] = []
        self.total = 0

    def add(self, record: Record) -> None:
        path = record.path
        if STAGE in path and any(part.startswith(STAGE) for part in path.split(b"/")):
            if path.rpartition(b"/")[2].startswith(STAGE):
                self.leftovers.append(path)
            return
        self.total += 1
        if record.kind == DIRECTORY:
            self._note_device(path, record.device)
        number = self._tree.index.get(path)
        if number is None:
            if self._rules.delete and path != ROOT:
                self._extras.append((path, record.kind == DIRECTORY))
            return
        state = self._state(number, record)
        self._states[number] = state
        if record.kind == FILE and record.names > 1:
            inode = record.device, record.inode
            self._names[inode] = self._names.get(inode, 0) + 1
        if state != SAME or (self._rules.checksum and record.kind == FILE):
            self._known[number] = record
        if number in self._first:
            alone = record.names == 1
            self._inodes[number] = (-1, number) if alone else (record.device, record.inode)
            self._known[number] = record

    def known(self) -> Callable[[bytes], bool]:
        """Whether a text of find is that of a file which is as it should be; takes note of it."""
        rules = self._rules
        if (
            rules.checksum
            or rules.uid is not None
            or rules.gid is not None
            or len(self._tree) > _MOST_EXPECTED
        ):
            return lambda text: False
        expected, states = self._tree.expected(), self._states

        def known(text: bytes) -> bool:
            number = expected.get(text)
            if number is None:
                return False
            states[number] = SAME
            self.total += 1
            return True

        return known

    def _note_device(self, path: bytes, device: int) -> None:
        """Directories on another file system than the one above them: nothing renames into those."""
        if self._root_device is None:
            self._root_device = device
        if device != self._root_device:
            self.devices[path] = device

    def _state(self, number: int, record: Record) -> int:
        tree, rules = self._tree, self._rules
        kind = tree.kinds[number]
        if record.kind != kind:
            return OTHER_KIND
        if kind == LINK:
            return SAME if tree.links[number] == record.link else CONTENT
        if kind == FILE and (
            tree.sizes[number] != record.size or (tree.mtimes[number] != record.mtime and not rules.checksum)
        ):
            return CONTENT
        return SAME if self._same_attributes(number, record) else ATTRIBUTES

    def _same_attributes(self, number: int, record: Record) -> bool:
        rules = self._rules
        if record.kind == DIRECTORY and not rules.directories:
            return True
        return not (
            (rules.modes and self._tree.modes[number] != record.mode)
            or (rules.times and self._tree.mtimes[number] != record.mtime)
            or (rules.uid is not None and rules.uid != record.uid)
            or (rules.gid is not None and rules.gid != record.gid)
        )

    def candidates(self) -> list[int]:
        """Files of equal size whose content is to be compared, under ``checksum``."""
        if not self._rules.checksum:
            return []
        return [
            number
            for number in self._known
            if self._tree.kinds[number] == FILE and self._states[number] in (SAME, ATTRIBUTES)
        ]

    def settle(self, ours: Mapping[int, str], theirs: Mapping[bytes, str]) -> None:
        """What the sums of the candidates say."""
        for number, digest in ours.items():
            if theirs.get(self._tree.paths[number]) != digest:
                self._states[number] = CONTENT

    def without_sums(self) -> None:
        """The host has no tool for sums: size and time decide after all."""
        for number in self.candidates():
            if self._known[number].mtime != self._tree.mtimes[number]:
                self._states[number] = CONTENT

    def plan(self) -> Plan:
        plan = Plan(self._tree, remote_total=self.total, devices=self.devices)
        self._send_whole_groups()
        if any(state != SAME for state in set(self._states)):
            self._collect(plan)
        if self._extras:
            self._doom(plan)
        return plan

    def _send_whole_groups(self) -> None:
        """Names of one file stay names of one file: they are sent together or not at all."""
        for members in self._linked.values():
            numbers = {self._inodes.get(member) for member in members}
            good = all(self._states[member] in (SAME, ATTRIBUTES) for member in members)
            if good and len(numbers) == 1:
                continue
            for member in members:
                if self._states[member] in (SAME, ATTRIBUTES):
                    self._states[member] = CONTENT

    def _collect(self, plan: Plan) -> None:
        tree, states = self._tree, self._states
        differing = [number for number, state in enumerate(states) if state != SAME]
        new = any(tree.kinds[n] == DIRECTORY and states[n] != ATTRIBUTES for n in differing)
        for number in range(len(tree)) if new else differing:
            parent = tree.parents[number]
            above_sent = parent >= 0 and states[parent] in (MISSING, OTHER_KIND)
            if above_sent:
                # what stood there was reached through a symlink, or is not there at all
                states[number] = MISSING
            state = states[number]
            if state == SAME:
                continue
            if state == ATTRIBUTES:
                self._attributes(plan, number, self._known[number])
                continue
            if tree.paths[number] == ROOT:
                plan.root_missing = True
                plan.chmod += [number] if self._rules.modes else []
                plan.touch += [number] if self._rules.times else []
                owned = self._rules.uid is not None or self._rules.gid is not None
                plan.chown += [number] if owned else []
                continue
            plan.send.append(number)
            if not above_sent:
                plan.tops.append(number)
                self._replace(plan, number, state)

    def _replace(self, plan: Plan, number: int, state: int) -> None:
        record = self._known.get(number)
        if record is None:
            return
        if state == OTHER_KIND and DIRECTORY in (record.kind, self._tree.kinds[number]):
            plan.in_the_way[number] = record.kind
        elif state == CONTENT:
            plan.replaced[number] = record
            if record.kind == FILE and record.names > self._names.get((record.device, record.inode), 1):
                plan.severed.append(number)

    def _attributes(self, plan: Plan, number: int, record: Record) -> None:
        rules = self._rules
        if rules.modes and self._tree.modes[number] != record.mode:
            plan.chmod.append(number)
        if rules.times and self._tree.mtimes[number] != record.mtime:
            plan.touch.append(number)
        if (rules.uid is not None and rules.uid != record.uid) or (
            rules.gid is not None and rules.gid != record.gid
        ):
            plan.chown.append(number)

    def _doom(self, plan: Plan) -> None:
        """What is to be deleted, whole directories by their name alone, and how many entries go. What a
        filter hides stays, and so do the directories above it."""
        doomed = []
        for path, is_directory in self._extras:
            if self._rules.filters.hides(path, is_directory):
                plan.protected.update(_above(path))
            else:
                doomed.append(path)
        going = {path for path in doomed if path not in plan.protected}
        replaced = {self._tree.paths[number] for number in plan.in_the_way}
        tops = (path for path in going if directory_of(path) not in going)
        plan.delete = sorted(path for path in tops if not replaced.intersection(_above(path)))
        plan.delete_total = len(going)


def _above(path: bytes) -> Iterable[bytes]:
    end = path.rfind(b"/")
    while end > 0:
        yield path[:end]
        end = path.rfind(b"/", 0, end)
