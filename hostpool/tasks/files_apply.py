"""How a plan becomes a stream for the host: the tree's new parts, and a script that puts them in place.

tar unpacks into a directory of ours beside the targets, on the same file system; only when all has
arrived does the script, its last member, run: it renames. A reader never sees half a file, and what is
interrupted before that leaves the old state. The script goes into each directory by ``cd -P`` and looks
where it is: a symlink on the host never leads it elsewhere.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hostpool.sync import tarball
from hostpool.sync.compare import Plan
from hostpool.sync.tree import DIRECTORY, FILE, LINK, ROOT, directory_of, name_of
from hostpool.tasks.files_query import TOOLS, chunks, relative, text
from hostpool.tasks.local import Packed
from hostpool.tasks.shell import quote

MARK = b"hostpool:apply:1"
_ODD = re.compile(rb"[\r\n\\]")
"""What the lists of sha256sum write in other ways."""
_WORDS = 60_000
"""Characters of names on one command line; the least that systems take for all of it is 128 KiB."""

# $1 DEST, $2 the directory below it that holds all changes ("" for DEST), $3 "make" if DEST may be made,
# $4 a random word, $5 what remains of interrupted runs. Replies: a letter and a text, NUL, a reason, NUL.
PROGRAM = (
    TOOLS
    + r"""
umask 022
printf '%s\n' '@MARK@'
fails=0 olds=0
F() { fails=$((fails + 1)); printf 'F%s\0%s\0' "$1" "$2"; }
die() { printf 'X\0%s\0' "$1"; exit 0; }
if [ "$3" = make ] && ! [ -d "$1" ]; then why=$(mkdir -p -- "$1" 2>&1) || die "$why"; fi
CDPATH= cd -P -- "$1" 2>/dev/null || die "cannot enter $1"
R=$PWD
[ "$R" = / ] && R=
if [ -n "$2" ]; then
  CDPATH= cd -P -- "$R/$2" 2>/dev/null && [ "$PWD" = "$R/$2" ] || die "cannot enter $R/$2"
fi
S=${PWD%/}/.hostpool-$$.$4
why=$( (umask 077; mkdir "$S") 2>&1) || die "$why"
E=$S/err
clean() { cd / && rm -rf "$S" 2>/dev/null || { chmod -R u+rwx "$S"; rm -rf "$S"; }; }
trap clean EXIT
trap '' PIPE
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
said() {
  why='failed without a word'
  while IFS= read -r line; do
    case $line in *'time stamp'*) ;; *) why=$line; return ;; esac
  done < "$E"
}
tar -xpof - -C "$S" 2>"$E" || { said; die "unpacking: $why"; }
[ -f "$S/apply" ] || die 'unpacking: the stream was cut short'
V() { got=$($H < "$S/t/$1"); [ "${got%% *}" = "$2" ] || die "$1: its content is not what was sent"; }
D() {
  d=${1:+$1/} T=$S/t${1:+/$1}
  if [ -n "$1" ]; then where=$R/$1; else where=${R:-/}; fi
  CDPATH= cd -P -- "$where" 2>"$E" && [ "$PWD" = "$where" ] && return 0
  said
  fails=$((fails + 1))
  printf 'D%s\0%s\0' "$1" "$why"
  return 1
}
M() {
  mv -f -- "$@" . 2>"$E" && return
  for s; do
    if [ -e "$s" ] || [ -h "$s" ]; then
      mv -f -- "$s" . 2>"$E" || { said; F "${s#"$S/t/"}" "$why"; }
    fi
  done
}
I() {
  for f; do
    if [ -f "./$f" ] && ! [ -h "./$f" ]; then
      { cat < "$T/$f" > "./$f" && touch -c -r "$T/$f" "./$f"; } 2>"$E" || { said; F "$d$f" "$why"; }
    else M "$T/$f"; fi
  done
}
X() {
  mkdir "./.hostpool-$$.$$" 2>"$E" || { said; F "$d." "$why"; return; }
  for s; do
    f=${s##*/}
    cp -pPR "$s" "./.hostpool-$$.$$/" 2>"$E" && mv -f "./.hostpool-$$.$$/$f" . 2>"$E" ||
      { said; F "$d$f" "$why"; }
  done
  rm -rf "./.hostpool-$$.$$"
}
B() {
  olds=$((olds + 1))
  if [ "$2" != all ] && [ -d "./$1" ] && ! [ -h "./$1" ]; then
    rmdir "./$1" 2>"$E" || { said; F "$d$1" "a directory is in the way: $why"; return; }
  else
    mv -f "./$1" "$S/old.$olds" 2>"$E" || { said; F "$d$1" "what is in the way: $why"; return; }
  fi
  mv -f "$T/$1" . 2>"$E" && return
  said
  F "$d$1" "$why"
  mv -f "$S/old.$olds" "./$1" 2>/dev/null
}
P() {
  o=$1
  shift
  [ "$o" = "$me" ] && return
  chown -h "$o" "$@" 2>"$E" || printf 'O%s\0%s\0' "$d" "$o"
}
A() {
  rm -f "$S/acl"
  if command -v setfacl >/dev/null && command -v getfacl >/dev/null; then
    getfacl -ps -- "$@" > "$S/acl" 2>/dev/null
  elif ls -ld "$@" 2>/dev/null | grep -q '^[^ ]*+'; then
    printf 'A%s\0\0' "$d"
  fi
  [ -d /sys/fs/selinux ] || return 0
  for f; do chcon --reference="$f" "$T/${f#./}" 2>/dev/null || printf 'A%s\0\0' "$d$f"; done
}
Y() {
  [ -s "$S/acl" ] || return 0
  m=$1
  shift
  setfacl --restore="$S/acl" 2>/dev/null || printf 'A%s\0\0' "$d"
  C "$m" "$@"
}
N() {
  if [ -d /sys/fs/selinux ] && command -v restorecon >/dev/null; then restorecon -R "$@" 2>/dev/null; fi
}
each() {
  "$@" 2>"$E" && return
  a=$1 b=$2
  shift 2
  for f; do "$a" "$b" "$f" 2>"$E" || { said; F "$d${f#./}" "$why"; }; done
}
C() { each chmod "$@"; }
O() { each chown "$@"; }
T() { export TZ=UTC0; each stamp "$@"; }
stamp() { s=$1; shift; touch -c -t "$s" "$@"; }
K() {
  [ "$fails" = 0 ] || return
  rm -rf "$@" 2>"$E" && return
  for f; do if [ -e "$f" ] || [ -h "$f" ]; then said; F "$d${f#./}" "$why"; fi; done
}
L() {
  for f; do
    p=${f##*.hostpool-} p=${p%%.*}
    [ -d "/proc/$p" ] || kill -0 "$p" 2>/dev/null || rm -rf "./$f"
  done
}
finish() { :; }
. "$S/apply"
clean
E=/dev/null
finish
printf 'Z\0\0'
"""
)


@dataclass(frozen=True, slots=True)
class Manner:
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
        lines += self._body(packed)
        script = "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")
        sums = tarball.member(b"sums", 0o600, listed) if listed else b""
        return sums + tarball.member(b"apply", 0o600, script) + tarball.END

    # -- SHA-256 of what arrived, before any of it is seen

    def _verification(self, packed: Packed) -> tuple[list[str], bytes]:
        if not self._manner.sums or not packed.sums:
            return [], b""
        lines, listed = [], []
        checks = self._manner.sums in ("sha256sum", "shasum")
        for number, digest in packed.sums.items():
            path = self._tree.paths[number]
            if checks and not _ODD.search(path):
                listed.append(digest.encode() + b"  t/" + path + b"\n")
            else:
                lines.append(f"V {quote(text(path))} {digest}")
        if listed:
            lines.append(
                'cd "$S" && $H -c sums >"$E" 2>&1 || { why=$(grep -v "OK$" "$E" | head -n 1); '
                'die "not what was sent: ${why#t/}"; }'
            )
        return lines, b"".join(listed)

    # -- into place

    def _body(self, packed: Packed) -> list[str]:
        plan, manner = self._plan, self._manner
        lines = []
        if plan.replaced and not manner.owner:
            lines.append("me=$(id -u):$(id -g)")
        for number, reason in packed.failed.items():
            name = quote(text(self._tree.paths[number]))
            lines.append(f'rm -f "$S"/t/{name}; F {name} {quote(reason)}')
        if manner.owner and plan.send:
            lines.append(f'why=$(chown -hR {quote(manner.owner)} "$S/t" 2>&1) || die "owner: $why"')
            lines += self._set_bits()
        lines += self._unlock()
        lines += self._moves(packed)
        if not (packed.failed or self._tree.problems):
            lines += self._deletes()
        return [*lines, *self._leave()]

    def _set_bits(self) -> list[str]:
        """The setuid and setgid bits, which chown takes away."""
        tree = self._tree
        modes = defaultdict(list)
        for number in self._plan.send:
            if tree.kinds[number] != LINK and tree.modes[number] & 0o6000:
                modes[tree.modes[number]].append(relative(tree.paths[number]))
        lines = [line for mode, names in modes.items() for line in _commands(f"chmod {mode:05o}", names)]
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
                lines.append(f"{_enter(path)} && C u+rwx .")
                self._unlocked.add(number)
        return lines

    def _busy_directories(self) -> set[bytes]:
        plan = self._plan
        busy = {directory_of(self._tree.paths[number]) for number in plan.tops}
        busy.update(directory_of(path) for path in plan.delete)
        busy.update(directory_of(path) for path in self._leftovers)
        busy.add(self.stage or ROOT)
        return busy

    def _moves(self, packed: Packed) -> list[str]:
        by_directory: dict[bytes, list[int]] = defaultdict(list)
        for number in self._plan.tops:
            if number not in packed.failed:
                by_directory[directory_of(self._tree.paths[number])].append(number)
        lines = []
        for path, numbers in by_directory.items():
            lines += [f"{_enter(path)} && {{", *self._into(path, numbers), "}"]
        return lines

    def _into(self, directory: bytes, numbers: list[int]) -> list[str]:
        plan, manner, tree = self._plan, self._manner, self._tree
        blocked = [number for number in numbers if number in plan.in_the_way]
        in_place = [number for number in numbers if manner.in_place and number in plan.replaced]
        rest = [number for number in numbers if number not in plan.in_the_way and number not in in_place]
        lines = [] if manner.in_place or manner.owner else self._keep_owners(rest)
        kept = [number for number in rest if number in plan.replaced and tree.kinds[number] == FILE]
        lines += _commands("A", [relative(name_of(tree.paths[number])) for number in kept])
        for number in blocked:
            whole = manner.replace and tree.paths[number] not in plan.protected
            lines.append(f"B {_name(tree.paths[number])} {'all' if whole else ''}")
        lines += _commands("I", [_name(tree.paths[number]) for number in in_place])
        away = self._device(directory) != self._device(self.stage or ROOT)
        staged = [f'"$T"/{_name(tree.paths[number])}' for number in rest]
        lines += _commands("X" if away else "M", staged)
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
            lines += _commands(f"C {mode:05o}", names)
        return lines or [":"]

    def _restore(self, kept: list[int], placed: list[int]) -> list[str]:
        """ACLs of what was replaced, and what SELinux calls what is new."""
        tree = self._tree
        modes = defaultdict(list)
        for number in kept:
            modes[tree.modes[number]].append(relative(name_of(tree.paths[number])))
        lines = [line for mode, names in modes.items() for line in _commands(f"Y {mode:05o}", names)]
        new = [number for number in placed if number not in self._plan.replaced]
        return lines + _commands("N", [relative(name_of(tree.paths[number])) for number in new])

    def _keep_owners(self, numbers: list[int]) -> list[str]:
        owners = defaultdict(list)
        for number in numbers:
            record = self._plan.replaced.get(number)
            if record is not None:
                owners[f"{record.uid}:{record.gid}"].append(f'"$T"/{_name(self._tree.paths[number])}')
        return [line for owner, names in owners.items() for line in _commands(f"P {owner}", names)]

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
            lines += [f"{_enter(path)} && {{", *_commands("K", names), "}"]
        return lines

    # -- attributes, last

    def _leave(self) -> list[str]:
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
            lines += [f"{_enter(path)} && {{", *self._attributes(numbers, owner), "}"]
        busy = {tree.index[path] for path in self._busy_directories() if path in tree.index}
        locked = {n for n in sent if tree.kinds[n] == DIRECTORY and tree.modes[n] & 0o700 != 0o700}
        if not self._manner.directories:
            busy.clear()
        late = self._with_links(sent) if self._manner.late_links else set()
        final = sorted(directories | (busy - sent) | locked | late, reverse=True)
        lines.append("finish() {")
        if self._leftovers:
            lines += ["D '' && {", *_commands("L", [quote(text(path)) for path in self._leftovers]), "}"]
        for number in final:
            lines += [f"{_enter(tree.paths[number])} && {{", *self._of_directory(number, owner), "}"]
        return [*lines, ":", "}"]

    def _with_links(self, sent: set[int]) -> set[int]:
        """New directories with links in them."""
        tree = self._tree
        linking = (n for n in sent if tree.kinds[n] == LINK or n in tree.groups)
        return {tree.parents[number] for number in linking} & sent

    def _attributes(self, numbers: list[int], owner: str) -> list[str]:
        tree, plan = self._tree, self._plan
        names = {number: relative(name_of(tree.paths[number])) for number in numbers}
        lines = []
        owned = [names[number] for number in numbers if number in plan.chown]
        if owned and owner:
            lines += _commands(f"O {quote(owner)}", owned)
        modes, stamps = defaultdict(list), defaultdict(list)
        for number in numbers:
            if number in plan.chmod or (number in plan.chown and tree.modes[number] & 0o6000):
                modes[tree.modes[number]].append(names[number])
            if number in plan.touch:
                stamps[tree.mtimes[number]].append(names[number])
        for mode, each in modes.items():
            lines += _commands(f"C {mode:05o}", each)
        for moment, each in stamps.items():
            lines += _commands(f"T {_stamp(moment)}", each)
        return lines or [":"]

    def _of_directory(self, number: int, owner: str) -> list[str]:
        tree, plan = self._tree, self._plan
        lines = []
        if number in plan.chown and owner:
            lines.append(f"O {quote(owner)} .")
        if self._manner.directories or number in plan.send:
            lines.append(f"T {_stamp(tree.mtimes[number])} .")
        if number in plan.chmod or number in plan.send or number in self._unlocked:
            lines.append(f"C {tree.modes[number]:05o} .")
        return lines or [":"]


def _enter(path: bytes) -> str:
    return f"D {quote('' if path == ROOT else text(path))}"


def _name(path: bytes) -> str:
    return quote(text(name_of(path)))


def _commands(command: str, words: list[str]) -> list[str]:
    return [f"{command} {' '.join(piece)}" for piece in chunks(words, _WORDS)]


def _stamp(moment: int) -> str:
    """For ``touch -t`` under TZ=UTC0."""
    return time.strftime("%Y%m%d%H%M.%S", time.gmtime(max(0, moment)))
