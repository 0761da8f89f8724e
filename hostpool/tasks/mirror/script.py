"""How a plan becomes a stream for the host: the tree's new parts, and a script that puts them in place.

tar unpacks into a directory of ours beside the targets, on the same file system; only when all has
arrived does the script, its last member, run: it renames. A reader never sees half a file, and what is
interrupted before that leaves the old state.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from hostpool.sync import tarball
from hostpool.sync.compare import Plan
from hostpool.sync.tree import FILE, LINK, ROOT, directory_of, name_of
from hostpool.tasks.files_query import LARGE, LARGE_TOOL, TOOLS, relative, text
from hostpool.tasks.local import Packed
from hostpool.tasks.mirror import few, quick
from hostpool.tasks.mirror.attributes import Attributes
from hostpool.tasks.mirror.program import END, FUNCTIONS
from hostpool.tasks.mirror.spec import Manner
from hostpool.tasks.mirror.words import commands, enter, name
from hostpool.tasks.shell import quote

_ODD = re.compile(rb"[\r\n\\]")
"""What the lists of sha256sum write in other ways."""


def common_directory(plan: Plan) -> bytes:
    """The deepest directory of the host below which all changes are; empty for DEST itself."""
    parts: list[bytes] | None = None
    for path in {directory_of(plan.tree.paths[number]) for number in plan.tops}:
        own = [] if path == ROOT else path.split(b"/")
        if parts is None:
            parts = own
        length = next((i for i, pair in enumerate(zip(parts, own, strict=False)) if pair[0] != pair[1]), None)
        parts = parts[: min(len(parts), len(own)) if length is None else length]
    return b"/".join(parts or [])


class Script:
    """Writes the last members of the stream for one host, when it is known what has been packed."""

    def __init__(self, plan: Plan, manner: Manner, leftovers: Iterable[bytes] = ()) -> None:
        self._plan = plan
        self._tree = plan.tree
        self._manner = manner
        self._leftovers = list(leftovers)
        self.stage = common_directory(plan)
        self._unlocked: set[int] = set()

    def members(self, packed: Packed) -> bytes:
        lines, listed = self._verification(packed)
        body, moves = self._body(packed)
        lines += body
        script = "\n".join([self._functions(packed), *lines, END]).encode("utf-8", "surrogateescape")
        sums = tarball.member(b"sums", 0o600, listed) if listed else b""
        return sums + moves + tarball.member(b"apply", 0o600, script) + tarball.END

    def _functions(self, packed: Packed) -> str:
        if not self._manner.sums:
            return FUNCTIONS
        return TOOLS + (LARGE_TOOL if any(map(self._large, packed.sums)) else "") + FUNCTIONS

    def _large(self, number: int) -> bool:
        return self._tree.sizes[number] > LARGE

    def few(self) -> bytes | None:
        """What comes before the stream for ``few.PROGRAM``, where that can do it."""
        whole = Packed({}, {})
        if self._manner.sums or not few.fits(self._plan) or not self._is_simple(whole) or self._unlock():
            return None
        times = self._attributes().only_times()
        if times is None:
            return None
        tops = self._by_directory(whole).values()
        return few.program((self._tree.paths[number] for each in tops for number in each), times)

    # -- SHA-256 of what arrived, before any of it is seen

    def _verification(self, packed: Packed) -> tuple[list[str], bytes]:
        if not self._manner.sums or not packed.sums:
            return [], b""
        lines, listed = [], []
        checks = self._manner.sums in ("sha256sum", "shasum")
        for number, digest in packed.sums.items():
            path = self._tree.paths[number]
            large = self._large(number)
            if checks and not large and not _ODD.search(path):
                listed.append(digest.encode() + b"  t/" + path + b"\n")
            else:
                lines.append(f'V {quote(text(path))} {digest} "{"$B" if large else "$H"}"')
        if listed:
            lines.append(
                'cd "$S" && $H -c sums >"$E" 2>&1 || { why=$(grep -v "OK$" "$E" | head -n 1); '
                'die "not what was sent: ${why#t/}"; }'
            )
        return lines, b"".join(listed)

    # -- into place

    def _body(self, packed: Packed) -> tuple[list[str], bytes]:
        """The script's lines, and a member for the quick way if there is one."""
        plan, manner = self._plan, self._manner
        lines = []
        for number, reason in packed.failed.items():
            name = quote(text(self._tree.paths[number]))
            lines.append(f'rm -f "$S"/t/{name}; F {name} {quote(reason)}')
        if manner.owner and plan.send:
            lines.append(f'why=$(chown -hR {quote(manner.owner)} "$S/t" 2>&1) || die "owner: $why"')
            lines += self._set_bits()
        lines += self._unlock()
        by_directory = self._by_directory(packed)
        numbers = [number for each in by_directory.values() for number in each]
        attributes = self._attributes()
        times = attributes.only_times() if numbers and self._is_simple(packed) else None
        member = b""
        if times is not None:
            member = quick.member((self._tree.paths[number] for number in numbers), times)
            lines.append(quick.LINES)
        lines += self._look_for_acls(numbers)
        for path, each in by_directory.items():
            lines += [f"{enter(path)} && {{", *self._into(path, each), "}"]
        if not (packed.failed or self._tree.problems):
            lines += self._deletes()
        return [*lines, *attributes.lines()], member

    def _by_directory(self, packed: Packed) -> dict[bytes, list[int]]:
        found: dict[bytes, list[int]] = defaultdict(list)
        for number in self._plan.tops:
            if number not in packed.failed:
                found[directory_of(self._tree.paths[number])].append(number)
        return found

    def _attributes(self) -> Attributes:
        """After ``_unlock``."""
        return Attributes(self._plan, self._manner, self._busy_directories(), self._unlocked, self._leftovers)

    def _is_simple(self, packed: Packed) -> bool:
        """Whether only renames are to be done, as far as can be told from here."""
        plan, tree = self._plan, self._tree
        if packed.failed or plan.delete or plan.in_the_way or self._manner.owner:
            return False
        if self._manner.in_place and plan.replaced:
            return False
        return not any(tree.modes[number] & 0o6000 for number in plan.replaced)

    def _set_bits(self) -> list[str]:
        """The setuid and setgid bits, which chown takes away."""
        tree = self._tree
        modes = defaultdict(list)
        for number in self._plan.send:
            if tree.kinds[number] != LINK and tree.modes[number] & 0o6000:
                modes[tree.modes[number]].append(relative(tree.paths[number]))
        lines = [line for mode, names in modes.items() for line in commands(f"chmod {mode:05o}", names)]
        return ['cd "$S/t"', *lines] if lines else []

    def _unlock(self) -> list[str]:
        """Directories without the right to write in them, for as long as we do."""
        tree = self._tree
        lines = []
        for path in sorted(self._busy_directories()):
            number = tree.index.get(path)
            if number is None or not self._manner.directories:
                continue
            if tree.modes[number] & 0o300 != 0o300 or number in self._plan.chmod:
                lines.append(f"{enter(path)} && C u+rwx .")
                self._unlocked.add(number)
        return lines

    def _busy_directories(self) -> set[bytes]:
        plan = self._plan
        busy = {directory_of(self._tree.paths[number]) for number in plan.tops}
        busy.update(directory_of(path) for path in plan.delete)
        busy.update(directory_of(path) for path in self._leftovers)
        busy.add(self.stage or ROOT)
        return busy

    def _look_for_acls(self, numbers: list[int]) -> list[str]:
        """One look at all that is replaced: seldom has any of it an ACL."""
        tree, plan = self._tree, self._plan
        kept = [number for number in numbers if number in plan.replaced and tree.kinds[number] == FILE]
        if not kept or self._manner.in_place:
            return []
        looks = commands("G", [relative(tree.paths[number]) for number in kept])
        return ["D '' && {", *looks, "}"]

    def _into(self, directory: bytes, numbers: list[int]) -> list[str]:
        plan, manner, tree = self._plan, self._manner, self._tree
        blocked = [number for number in numbers if number in plan.in_the_way]
        in_place = [number for number in numbers if manner.in_place and number in plan.replaced]
        rest = [number for number in numbers if number not in plan.in_the_way and number not in in_place]
        lines = [] if manner.in_place or manner.owner else self._keep_owners(rest)
        kept = [number for number in rest if number in plan.replaced and tree.kinds[number] == FILE]
        lines += commands("A", [relative(name_of(tree.paths[number])) for number in kept])
        for number in blocked:
            whole = manner.replace and tree.paths[number] not in plan.protected
            lines.append(f"B {name(tree.paths[number])} {'all' if whole else ''}")
        lines += commands("I", [name(tree.paths[number]) for number in in_place])
        away = self._device(directory) != self._device(self.stage or ROOT)
        staged = [f'"$T"/{name(tree.paths[number])}' for number in rest]
        lines += commands("X" if away else "M", staged)
        again = defaultdict(list)
        for number in numbers:
            if tree.kinds[number] != FILE:
                continue
            # chown takes these bits away
            lost = tree.modes[number] & 0o6000 and number in plan.replaced
            if lost or number in in_place:
                again[tree.modes[number]].append(relative(name_of(tree.paths[number])))
        lines += self._restore(kept, rest)
        # five digits: with fewer, GNU's chmod leaves a directory's setgid bit alone
        for mode, names in again.items():
            lines += commands(f"C {mode:05o}", names)
        return lines or [":"]

    def _restore(self, kept: list[int], placed: list[int]) -> list[str]:
        """ACLs of what was replaced, and what SELinux calls what is new."""
        tree = self._tree
        modes = defaultdict(list)
        for number in kept:
            modes[tree.modes[number]].append(relative(name_of(tree.paths[number])))
        lines = [line for mode, names in modes.items() for line in commands(f"Y {mode:05o}", names)]
        new = [number for number in placed if number not in self._plan.replaced]
        return lines + commands("N", [relative(name_of(tree.paths[number])) for number in new])

    def _keep_owners(self, numbers: list[int]) -> list[str]:
        owners = defaultdict(list)
        for number in numbers:
            record = self._plan.replaced.get(number)
            if record is not None:
                owners[f"{record.uid}:{record.gid}"].append(f'"$T"/{name(self._tree.paths[number])}')
        return [line for owner, names in owners.items() for line in commands(f"P {owner}", names)]

    def _device(self, path: bytes) -> int:
        devices = self._plan.devices
        while devices and path not in devices:
            if path == ROOT:
                return 0
            path = directory_of(path)
        return devices.get(path, 0)

    def _deletes(self) -> list[str]:
        by_directory: dict[bytes, list[str]] = defaultdict(list)
        for path in self._plan.delete:
            by_directory[directory_of(path)].append(relative(name_of(path)))
        lines = []
        for path, names in by_directory.items():
            lines += [f"{enter(path)} && {{", *commands("K", names), "}"]
        return lines
