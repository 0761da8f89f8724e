"""The one question to a host: what is there, in which of the forms of sync.listing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hostpool.sync.listing import MARK
from hostpool.sync.tree import DIRECTORY, ROOT, Tree
from hostpool.tasks.base import Effect, Intake, Run
from hostpool.tasks.files_once import RECORDS, once
from hostpool.tasks.shell import quote

MOST_ROOTS = 64
"""Places that are looked at one by one, before whole directories are."""

TOOLS = r"""
if command -v sha256sum >/dev/null 2>&1; then H=sha256sum kind=sha256sum
elif command -v shasum >/dev/null 2>&1; then H='shasum -a 256' kind=shasum
elif command -v sha256 >/dev/null 2>&1; then H='sha256 -r' kind=sha256
elif command -v openssl >/dev/null 2>&1; then H='openssl dgst -sha256 -r' kind=openssl
else H= kind=none; fi
B=$H
"""
"""sh: H is a command that prints a SHA-256 sum and then the name, or is empty; kind names it. B is the one
for large files."""

LARGE = 8 << 20
"""Bytes above which a file is large: summing it takes longer than starting openssl."""

LARGE_TOOL = r"""
if command -v openssl >/dev/null 2>&1; then
  case $(openssl dgst -sha256 -r </dev/null 2>/dev/null) in
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855*) B='openssl dgst -sha256 -r' ;;
  esac
fi
"""
"""sh, after TOOLS: B is openssl where that works (the sum is that of nothing). It uses what the processor has
for SHA-256, and takes a fifth or less of the time of a sha256sum that does not."""

FIND = r"""
if find . -maxdepth 0 -printf '' 2>/dev/null; then find=gnu
elif stat -c %f . >/dev/null 2>&1; then find=stat
elif stat -f %p . >/dev/null 2>&1; then find=bsd
else find=none; fi
printf 'find=%s\n' "$find"
"""
"""sh: which of the dialects of sync.listing the host can speak."""

# Each printf is a write, and mostly a packet.
_TELL = r"""
dest=$1 single=$2 sums=$3 owner=$4 group=$5 state=dir one= anchor= tar= perl=
if [ -n "$single" ]; then
  one=./$single
  case $dest in
    */) ;;
    *) if ! [ -d "$dest" ]; then
        anchor=parent
        one=./${dest##*/}
        case $dest in */*) dest=${dest%/*}; dest=${dest:-/} ;; *) dest=. ;; esac
      fi ;;
  esac
fi
CDPATH= cd -P -- "$dest" 2>/dev/null || {
  state=missing
  if [ -d "$dest" ]; then state=denied
  elif [ -e "$dest" ] || [ -h "$dest" ]; then state=file; fi
}
command -v tar >/dev/null 2>&1 && tar=yes
[ -d /sys/fs/selinux ] || { command -v perl >/dev/null 2>&1 && perl=yes; }
set -- ${anchor:+anchor=$anchor} ${tar:+tar=$tar} ${perl:+perl=$perl}
printf '%s\n' '@MARK@' "sums=$kind" "state=$state" "$@"
if [ -n "$owner" ]; then printf 'uid=%s\n' "$(id -u -- "$owner" 2>/dev/null)"; fi
if [ -n "$group" ]; then
  printf 'gid=%s\n' "$( (getent group "$group" || cat /etc/group) 2>/dev/null |
    awk -F: -v g="$group" '$1 == g { print $3; exit }')"
fi
if [ "$state" = dir ]; then for p in .hostpool-*; do [ -d "$p" ] && printf 'leftover=%s\n' "$p"; done; fi
status=0
@ONCE@
if [ -z "$find" ]; then
@FIND@
  if [ "$state" != dir ] || [ "$find" = none ]; then
    printf 'list=none\n\nEND 0\0'
    exit 0
  fi
  echo
  listed=
else listed=yes; fi
"""

LISTING = r"""
gnu() { find "$@" @RECORDS@; }
stat() { find "$@" -exec stat -c '//%f %s %Y %u %g %d %i %h %n' {} +; }
bsd() { find "$@" -exec stat -f '//%p %z %m %u %g %d %i %l %N' {} +; }
links() {
  find "$@" -type l -exec sh -c \
    'for f; do t=$(readlink "$f"; echo .); t=${t%.}; printf "%s\0%s\0" "$f" "${t%?}"; done' sh {} +
}
odd() { odd=$(printf '\r\n.') odd=${odd%.}; }
lines() {
  odd
  if [ "$B" = "$H" ]; then find "$@" -type f ! -path "*[$odd]*" ! -path '*\\*' -exec $H {} +
  else
    # in parentheses BusyBox's find forgets what it has gathered
    find "$@" -type f ! -path "*[$odd]*" ! -path '*\\*' -size +@LARGE@ -exec $B {} + \
      -o -type f ! -path "*[$odd]*" ! -path '*\\*' -exec $H {} +
  fi
}
pairs() {
  odd
  find "$@" -type f '(' -path "*[$odd]*" -o -path '*\\*' ')' -exec sh -c \
    'H=$1; shift; for f; do printf "%s\0" "$f"; $H < "$f"; printf "\0"; done' sh "$H" {} +
}
""".replace("@LARGE@", str(LARGE // 512)).replace("@RECORDS@", RECORDS)
"""sh: functions that list what find(1) finds for their arguments, and its sums."""

_LOOK = r"""
look() {
  does=$1 depth=$2
  shift 2
  for p; do
    shift
    if [ -e "$p" ] || [ -h "$p" ]; then set -- "$@" "$p"; fi
  done
  [ $# -gt 0 ] || return 0
  if [ "$depth" = one ]; then set -- "$@" -maxdepth 0; fi
  "$does" "$@" || status=$?
}
each() {
@EACH@
}
[ "$listed" ] || each "$find"
[ "$find" = gnu ] || { printf '\0'; each links; }
if [ -n "$sums" ] && [ -n "$H" ]; then
  printf 'SUM \0'
  each lines
  printf '\0'
  each pairs
fi
printf 'END %s\0' "$status"
"""


class Question(msgspec.Struct, frozen=True):
    """About ``dest``. ``single``: where one file of this name goes, into ``dest`` or to it; else
    ``alone`` and ``below`` are the paths under it to be looked at, the second kind with all that is
    in them. ``owner``, ``group``: names whose numbers are wanted. ``sums``: of all files too, among which
    are ``large`` ones."""

    dest: str
    single: str = ""
    alone: tuple[bytes, ...] = ()
    below: tuple[bytes, ...] = ()
    sums: bool = False
    large: bool = False
    owner: str = ""
    group: str = ""

    def run(self, intake: Intake, more: str) -> Run:
        """``more``: the program that follows from the answer."""
        each = ['  look "$1" one "$one"'] if self.single else []
        for depth, paths in (("one", self.alone), ("all", self.below)):
            pieces = chunks([relative(path) for path in paths], 20_000)
            each += [f'  look "$1" {depth} {" ".join(piece)}' for piece in pieces]
        tools = TOOLS + (LARGE_TOOL if self.large else "")
        one = once(bool(self.single), self.alone, self.below) or "find="
        program = (tools + _TELL).replace("@MARK@", MARK.decode()).replace("@FIND@", FIND)
        program = program.replace("@ONCE@", one)
        return Run(
            effect=Effect.QUERY,
            program=program + (LISTING + _LOOK).replace("@EACH@", "\n".join(each) or "  :"),
            args=(self.dest, self.single, "sums" if self.sums else "", self.owner, self.group),
            live=False,
            more=more,
            into=intake,
        )


def text(path: bytes) -> str:
    """As sh programs carry it: what is not UTF-8 comes out as it went in."""
    return path.decode("utf-8", "surrogateescape")


def relative(path: bytes) -> str:
    """A path below the current directory as a word of sh that is no option."""
    return quote("." if path == ROOT else "./" + text(path))


def chunks(words: Sequence[str], most: int) -> list[list[str]]:
    """Word lists short enough for one command line each (``most`` characters)."""
    found: list[list[str]] = []
    size = most
    for word in words:
        if size + len(word) > most:
            found.append([])
            size = 0
        found[-1].append(word)
        size += len(word) + 1
    return found


def roots(tree: Tree) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Where to look for the counterparts of a tree, without listing all of the host: paths to be looked
    at alone, and directories of ours to be looked at with all that is in them."""
    children = tree.children()
    alone: list[bytes] = [ROOT] if ROOT in tree.index else []
    front = children.get(-1, [])
    while True:
        directories = [number for number in front if tree.kinds[number] == DIRECTORY]
        below = [child for number in directories for child in children.get(number, ())]
        size = len(alone) + len(front) + len(below)
        if not directories or size > MOST_ROOTS:
            break
        alone += [tree.paths[number] for number in front]
        front = below
    if len(front) > MOST_ROOTS and not alone:
        return (), (ROOT,)
    whole = tuple(tree.paths[number] for number in front)
    return tuple(alone), whole
