"""Access and modification times as the module file takes them, set by touch(1)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from hostpool.tasks.modules.base import ModuleFailed, Result
from hostpool.tasks.modules.paths import Info

NOW = "now"
EPOCH = r"""
hp_epoch() { # a stamp as touch -t has it, now or nothing; the same as words: seconds, in the host's zone
  case $1 in
    '' | now) printf '%s|' "$1" ;;
    *) printf '%s|' "$(date -d "$2" +%s 2>/dev/null || date -j -f %Y%m%d%H%M.%S "$1" +%s)" ;;
  esac
}
"""
TOUCH = r"""
hp_touch() { # path, stamps as above: access, modification
  for hp_one in "-a $2" "-m $3"; do
    case $hp_one in
      '-? ') ;;
      *' now') touch -c "${hp_one% *}" -- "$1" || return ;;
      *' '?*) touch -c "${hp_one% *}" -t "${hp_one#* }" -- "$1" || return ;;
    esac
  done
}
"""


class Times(msgspec.Struct, frozen=True):
    """Each is to stay (empty), the current time, or a stamp ``YYYYmmddHHMM.SS`` in the host's time zone."""

    access: str = ""
    modification: str = ""

    def __bool__(self) -> bool:
        return bool(self.access or self.modification)

    def arguments(self) -> tuple[str, str, str, str]:
        """For hp_epoch, twice."""
        return self.access, _words(self.access), self.modification, _words(self.modification)


def _words(stamp: str) -> str:
    if stamp in ("", NOW):
        return stamp
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[8:10]}:{stamp[10:12]}:{stamp[13:]}"


def times_of(args: Mapping[str, Any], state: str | None) -> Times:
    """Raises ModuleFailed for what is no time."""
    usual = NOW if state == "touch" else "preserve"
    return Times(
        _stamp(args.get("access_time") or usual, args.get("access_time_format") or ""),
        _stamp(args.get("modification_time") or usual, args.get("modification_time_format") or ""),
    )


def _stamp(text: str, form: str) -> str:
    if text == "preserve":
        return ""
    if text == NOW:
        return NOW
    try:
        return time.strftime("%Y%m%d%H%M.%S", time.strptime(text, form))
    except (ValueError, OverflowError) as error:
        raise ModuleFailed(
            f"Error while obtaining timestamp for time {text} using format {form}: {error}"
        ) from error


def to_set(times: Times, epochs: bytes, info: Info) -> Times:
    """Those that are not so yet. ``epochs`` is what hp_epoch says of them."""
    said = epochs.decode("ascii", "replace").strip().split("|")

    def needed(stamp: str, epoch: str, now: float) -> str:
        return "" if stamp not in ("", NOW) and epoch.isdecimal() and int(epoch) == int(now) else stamp

    if len(said) < 2 or not info.exists:
        return times
    return Times(needed(times.access, said[0], info.atime), needed(times.modification, said[1], info.mtime))


def differences(times: Times, info: Info) -> tuple[Result, Result]:
    """Before and after, for a diff."""
    before: Result = {}
    after: Result = {}
    for key, stamp, old in (("atime", times.access, info.atime), ("mtime", times.modification, info.mtime)):
        if stamp and info.exists:
            before[key], after[key] = old, stamp
    return before, after
