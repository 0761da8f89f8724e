"""A file's new content: written beside it and renamed into its place, so nobody sees half of it."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Generator, Mapping
from typing import Any

import msgspec

from hostpool.tasks.base import FileSource, Request
from hostpool.tasks.modules.base import Mode, ModuleFailed, Result, change, require
from hostpool.tasks.modules.paths import INFO, SET, Attributes, Info, take

_NEW_MODE = 0o644

# Arguments: the file, a name beside it, its mode, owners to be kept, its owner and group, what the old one is
# kept as, what has to accept it, its SHA-1, "parents", "unsafe", a file it comes from in the place of
# standard input, a file that is moved.
# What a killed process left beside the file goes after a day: its number alone tells nothing where several
# hosts share a file system, and no write lasts that long.
INSTALL = (
    r"""
f=$1 t=$2.$$ mode=$3 keep=$4 owner=$5 group=$6 old=$7 check=$8 want=$9
shift 9
[ -z "$3" ] || exec < "$3" || exit 87
case $1$f in parents*/*) [ -d "${f%/*}/" ] || mkdir -p -- "${f%/*}" || exit 88 ;; esac
umask 077
case $t in /*) hp_d=${t%/*} ;; */*) hp_d=./${t%/*} ;; *) hp_d=. ;; esac
for hp_o in "$hp_d"/.?*."""
    + "[0-9a-f]" * 12
    + r""".hostpool.[0-9]*; do
  case ${hp_o##*.} in *[!0-9]*) continue ;; esac
  [ ! -f "$hp_o" ] || find "$hp_o" -prune -type f -mtime +0 -exec rm -f -- {} \; 2>/dev/null
done
trap 'rm -f -- "$t"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
[ ! -d "$f" ] || { echo "$f is a directory" >&2; exit 89; }
if [ -n "$4" ]; then mv -f -- "$4" "$t"; else cat > "$t"; fi || exit 90
if [ -n "$want" ]; then
  got=$(hp_sum sha1 "$t"); got=${got%%[ *]*}
  [ -z "$got" ] || [ "$got" = "$want" ] || { echo "the content did not arrive whole" >&2; exit 91; }
fi
if [ -e "$f" ]; then
  ! command -v getfacl >/dev/null 2>&1 || ! command -v setfacl >/dev/null 2>&1 ||
    { getfacl -cp -- "$f" | grep -q '^\(user\|group\):[^:]' &&
      getfacl -cp -- "$f" | setfacl --set-file=- -- "$t"; } 2>/dev/null
  [ ! -d /sys/fs/selinux ] || chcon --reference="$f" -- "$t" 2>/dev/null || :
fi
[ -z "$keep" ] || chown -- "$keep" "$t" 2>/dev/null || :
hp_set "$t" "$mode" "$owner" "$group" || exit 92
if [ -n "$check" ]; then eval "$check" >&2 || { echo "failed to validate" >&2; exit 93; }; fi
if [ -n "$old" ] && [ -e "$f" ]; then cp -p -- "$f" "$old" || exit 94; fi
mv -f -- "$t" "$f" || {
  [ -n "$2" ] && [ -f "$f" ] && cat < "$t" > "$f" && hp_set "$f" "$mode" "$owner" "$group"
} || exit 95
trap - EXIT
hp_info "$f" "" sha1
"""
)
WRITE = INFO + SET + INSTALL
HP_INSTALL = "hp_install() (\n" + INSTALL + ")\n"
"""INSTALL as a function, for longer programs."""


class Content(msgspec.Struct, frozen=True):
    """``data`` may be a local file that is read piece by piece; its length and SHA-1 are known."""

    data: bytes | FileSource
    size: int
    sha1: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        return cls(data, len(data), hashlib.sha1(data).hexdigest())


def temporary(path: str, sha1: str) -> str:
    """Beside the file; the host adds its process id: two of them may share a file system."""
    directory, name = posixpath.split(path)
    return posixpath.join(directory, f".{name[:100]}.{sha1[:12]}.hostpool")


def write(
    path: str,
    info: Info,
    content: Content,
    attributes: Attributes,
    args: Mapping[str, Any],
    foretells: Result,
    *,
    parents: bool = False,
    source: str = "",
) -> Generator[Request[Any], Any, Info]:
    """One round trip. ``attributes`` may leave out what is to stay: then it stays as ``info`` has it,
    or becomes what a new file gets. ``parents``: its directory is made if it is missing. ``source``: a
    file of the host whose content it is. With ``unsafe_writes`` a file that nothing can be moved over (a
    mount point) is written in its place. Raises ModuleFailed; the old file stands then."""
    place = temporary(path, content.sha1)
    validate = args.get("validate") or ""
    if validate:
        if "%s" not in validate:
            raise ModuleFailed(f"validate must contain %s: {validate}")
        validate = validate.replace("%s", '"$t"')
    exists = info.kind in ("file", "link")
    mode = attributes.mode or format(info.mode if info.kind == "file" else _NEW_MODE, "04o")
    reply = yield from change(
        WRITE, path, place, mode, f"{info.uid}:{info.gid}" if info.kind == "file" else "",
        attributes.owner, attributes.group, str(foretells.get("backup_file", "")) if exists else "",
        validate, content.sha1, "parents" if parents else "", "unsafe" if args.get("unsafe_writes") else "",
        source,
        foretells=foretells, stdin=content.data,
    )  # fmt: skip
    after, _ = take(require(reply, f"{path} could not be written", dest=path).stdout)
    return after


def text_diff(path: str, before: bytes, after: bytes, mode: Mode) -> Result:
    if not mode.diff:
        return {}
    return {
        "diff": {
            "before": before.decode("utf-8", "replace"),
            "after": after.decode("utf-8", "replace"),
            "before_header": path,
            "after_header": path,
        }
    }
