"""What a script sets last: modes, times and owners of what was not sent, and of directories."""

from __future__ import annotations

from collections import defaultdict

from hostpool.sync.compare import Plan
from hostpool.sync.tree import DIRECTORY, LINK, directory_of, name_of
from hostpool.tasks.files_query import relative, text
from hostpool.tasks.mirror.spec import Manner
from hostpool.tasks.mirror.words import commands, enter, stamp
from hostpool.tasks.shell import quote


class Attributes:
    """``busy``: directories in which something is done, ``unlocked``: those that were made writable for
    it, ``leftovers``: directories of interrupted runs."""

    def __init__(
        self, plan: Plan, manner: Manner, busy: set[bytes], unlocked: set[int], leftovers: list[bytes]
    ) -> None:
        self._plan = plan
        self._tree = plan.tree
        self._manner = manner
        self._busy = busy
        self._unlocked = unlocked
        self._leftovers = leftovers

    def lines(self) -> list[str]:
        """Attributes of what was not sent; times of directories come last, as all else changes them."""
        tree, plan = self._tree, self._plan
        sent = set(plan.send)
        lines = []
        owner = self._manner.owner
        files: dict[bytes, list[int]] = defaultdict(list)
        directories = set()
        for number in {*plan.chmod, *plan.touch, *plan.chown}:
            if tree.kinds[number] == DIRECTORY:
                directories.add(number)
            else:
                files[directory_of(tree.paths[number])].append(number)
        for path, numbers in sorted(files.items()):
            lines += [f"{enter(path)} && {{", *self._of_files(numbers, owner), "}"]
        final = sorted(directories | self._afterwards(sent), reverse=True)
        lines.append("finish() {")
        if self._leftovers:
            lines += ["D '' && {", *commands("L", [quote(text(path)) for path in self._leftovers]), "}"]
        return [*lines, *self._of_directories(final), ":", "}"]

    def _afterwards(self, sent: set[int]) -> set[int]:
        """Directories whose attributes are set because of what else is done."""
        tree = self._tree
        busy = {tree.index[path] for path in self._busy if path in tree.index}
        locked = {n for n in sent if tree.kinds[n] == DIRECTORY and tree.modes[n] & 0o700 != 0o700}
        if not self._manner.directories:
            busy.clear()
        late = self._with_links(sent) if self._manner.late_links else set()
        return (busy - sent) | locked | late

    def only_times(self) -> dict[bytes, int] | None:
        """Times of directories, where nothing else is to be set and no leftover goes."""
        tree, plan = self._tree, self._plan
        if plan.chmod or plan.touch or plan.chown or self._unlocked or self._leftovers:
            return None
        numbers = self._afterwards(set(plan.send))
        if not numbers.isdisjoint(plan.send):
            return None
        return {tree.paths[number]: tree.mtimes[number] for number in sorted(numbers, reverse=True)}

    def _of_directories(self, numbers: list[int]) -> list[str]:
        """Those that only need their times back, most of them, by one command for each time."""
        tree = self._tree
        stamps: dict[int, list[str]] = defaultdict(list)
        rest = []
        for number in numbers:
            each = self._of_directory(number, self._manner.owner)
            if len(each) == 1 and each[0].startswith("T "):
                stamps[tree.mtimes[number]].append(relative(tree.paths[number]))
            else:
                rest += [f"{enter(tree.paths[number])} && {{", *each, "}"]
        if not stamps:
            return rest
        times = [line for moment, names in stamps.items() for line in commands(f"T {stamp(moment)}", names)]
        return ["D '' && {", *times, "}", *rest]

    def _with_links(self, sent: set[int]) -> set[int]:
        """New directories with links in them."""
        tree = self._tree
        linking = (n for n in sent if tree.kinds[n] == LINK or n in tree.groups)
        return {tree.parents[number] for number in linking} & sent

    def _of_files(self, numbers: list[int], owner: str) -> list[str]:
        tree, plan = self._tree, self._plan
        names = {number: relative(name_of(tree.paths[number])) for number in numbers}
        lines = []
        owned = [names[number] for number in numbers if number in plan.chown]
        if owned and owner:
            lines += commands(f"O {quote(owner)}", owned)
        modes, stamps = defaultdict(list), defaultdict(list)
        for number in numbers:
            if number in plan.chmod or (number in plan.chown and tree.modes[number] & 0o6000):
                modes[tree.modes[number]].append(names[number])
            if number in plan.touch:
                stamps[tree.mtimes[number]].append(names[number])
        for mode, each in modes.items():
            lines += commands(f"C {mode:05o}", each)
        for moment, each in stamps.items():
            lines += commands(f"T {stamp(moment)}", each)
        return lines or [":"]

    def _of_directory(self, number: int, owner: str) -> list[str]:
        tree, plan = self._tree, self._plan
        lines = []
        if number in plan.chown and owner:
            lines.append(f"O {quote(owner)} .")
        if self._manner.directories or number in plan.send:
            lines.append(f"T {stamp(tree.mtimes[number])} .")
        if number in plan.chmod or number in plan.send or number in self._unlocked:
            lines.append(f"C {tree.modes[number]:05o} .")
        return lines or [":"]
