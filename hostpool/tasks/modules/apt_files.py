"""apt's own files: shown whole, and written at once, the lists updated after it or everything as it was."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules.apt_get import APT, update_args
from hostpool.tasks.modules.base import ModuleFailed, Result, change, text

SHOW = (
    APT
    + r"""
hp_show() { # files: of each that is there its path, mode and content
  for hp_each do
    [ ! -f "$hp_each" ] || printf 'F\t%s\t%s\t%s\n' "$hp_each" "$(stat -L -c %a -- "$hp_each")" \
      "$(base64 < "$hp_each" | tr -d '\n')"
  done
}
"""
)
_PUT = (
    APT
    + r"""
put() { # file, mode or nothing, content
  target=$1; [ ! -L "$1" ] || target=$(readlink -f -- "$1") || return
  place=${target%/*}; [ -d "$place" ] || mkdir -p -m 755 -- "$place" || return
  new=$place/.${target##*/}.$$.hostpool
  trap 'rm -rf -- "$hp_dir" "$new"' EXIT
  if [ -e "$target" ]; then cp -p -- "$target" "$new" || return; else : > "$new" && chmod 644 "$new"; fi
  printf %s "$3" | base64 -d > "$new" && { [ -z "$2" ] || chmod "$2" "$new"; } && mv -f -- "$new" "$target"
}
each() { # what to do with every file, then the files with mode and content
  act=$1 number=0; shift
  while [ $# -gt 0 ]; do
    number=$((number + 1)); "$act" "$number" "$1" "$2" "$3" || return
    shift 3
  done
}
keep() { [ ! -e "$2" ] || cp -p -- "$2" "$hp_dir/$1"; }
write() { if [ "$4" = - ]; then rm -f -- "$2"; else put "$2" "$3" "$4"; fi; }
restore() { if [ -e "$hp_dir/$1" ]; then put "$2" "" "$(base64 < "$hp_dir/$1")"; else rm -f -- "$2"; fi; }
wait=$1 tries=$2 most=$3; shift 3
umask 022
each keep "$@" || exit
each write "$@" || { rc=$?; each restore "$@"; exit "$rc"; }
[ -z "$wait" ] || hp_update "$wait" "$tries" "$most" || { each restore "$@"; exit 100; }
"""
)


@dataclass(frozen=True, slots=True)
class AptFile:
    """``content`` None: the file goes. ``mode`` empty: as it is, 0644 for a new one."""

    path: str
    content: bytes | None
    mode: str = ""


def shown(stdout: bytes) -> dict[str, AptFile]:
    """What ``hp_show`` said, by path."""
    found = {}
    for line in text(stdout).splitlines():
        kind, *words = line.split("\t")
        if kind == "F" and len(words) == 3:
            found[words[0]] = AptFile(words[0], decoded(words[2]), words[1])
    return found


def decoded(word: str) -> bytes:
    try:
        return base64.b64decode(word)
    except ValueError as error:
        raise ModuleFailed("the host's answer cannot be read: its base64 is unusual") from error


def put(
    files: list[AptFile], told: Result, update: Mapping[str, Any] | None = None
) -> Generator[Request[Any], Any, None]:
    """One change. ``update``: the arguments that say how the lists are updated after it; where that fails
    all is as it was. Raises ModuleFailed."""
    words = list(update_args(update)) if update is not None else ["", "", ""]
    for each in files:
        content = "-" if each.content is None else base64.b64encode(each.content).decode("ascii")
        words += [each.path, each.mode, content]
    reply = yield from change(_PUT, *words, foretells=told)
    if reply.exit_code != 0:
        raise ModuleFailed(text(reply.stderr).strip() or "the files could not be written")
