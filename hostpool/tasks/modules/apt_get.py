"""apt-get and dpkg on the host: how they are called, how their locks are waited for, what they say."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from hostpool.tasks.base import Request, Run, RunReply
from hostpool.tasks.modules.base import Mode, ModuleFailed, Result, change, query, text

APT = r"""
set -f
export DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical LC_ALL=C LANG=C LANGUAGE=C
command -v apt-get >/dev/null || { echo "apt-get is not on this host" >&2; exit 127; }
hp_dir=$(mktemp -d) || exit
trap 'rm -rf -- "$hp_dir"' EXIT; trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
hp_apt() { # seconds to wait for a lock, then the command; a daemon that it starts may keep its output open
  hp_until=$(($(date +%s) + $1)); shift
  while :; do
    "$@" </dev/null >"$hp_dir/out" 2>"$hp_dir/err"; hp_rc=$?
    [ "$hp_rc" != 0 ] && [ "$(date +%s)" -lt "$hp_until" ] &&
      grep -q 'Could not get lock\|Unable to lock\|Unable to acquire' "$hp_dir/err" || break
    sleep 1
  done
  cat "$hp_dir/out"; cat "$hp_dir/err" >&2; return "$hp_rc"
}
hp_update() { # seconds to wait for a lock, attempts, most seconds between two
  hp_try=0
  while :; do
    hp_apt "$1" apt-get -o APT::Update::Error-Mode=any update >/dev/null 2>&1 &&
      ! grep -q '^[WE]: \(Failed to fetch\|Some index files failed\)' "$hp_dir/err" && return
    hp_try=$((hp_try + 1)) hp_pause=$((1 << (hp_try - 1)))
    [ "$hp_try" -lt "$2" ] || break
    [ "$hp_pause" -lt "$3" ] || hp_pause=$3
    sleep "$hp_pause"
  done
  echo "Failed to update apt cache after $2 retries: $(cat "$hp_dir/err")" >&2; return 100
}
hp_times() { # now, and when the lists were updated last
  hp_stamp=/var/lib/apt/periodic/update-success-stamp
  [ -e "$hp_stamp" ] || hp_stamp=/var/lib/apt/lists
  printf 'T\t%s\t%s\n' "$(date +%s)" "$(stat -c %Y "$hp_stamp" 2>/dev/null || echo 0)"
}
hp_policy() { # the exit status of /usr/sbin/policy-rc.d, or nothing: as it is; then a command
  [ -n "$1" ] || { shift; "$@"; return; }
  hp_file=/usr/sbin/policy-rc.d hp_code=$1; shift
  [ ! -e "$hp_file" ] || mv -f "$hp_file" "$hp_file.hostpool" || return
  trap 'rm -f "$hp_file"; [ ! -e "$hp_file.hostpool" ] || mv -f "$hp_file.hostpool" "$hp_file"
    rm -rf -- "$hp_dir"' EXIT
  printf '#!/bin/sh\nexit %d\n' "$hp_code" > "$hp_file" && chmod 775 "$hp_file" && "$@"
}
hp_download() { # URL, file
  if command -v curl >/dev/null; then curl -fsSL -o "$2" -- "$1"
  elif command -v wget >/dev/null; then wget -q -O "$2" -- "$1"
  else /usr/lib/apt/apt-helper download-file "$1" "$2" >/dev/null; fi
}
"""

_INSTALL = APT + r"""
wait=$1 code=$2 manual=$3 scratch=$4; shift 4
hp_policy "$code" hp_apt "$wait" apt-get "$@"; rc=$?
[ -z "$scratch" ] || rm -f -- $scratch
[ "$rc" != 0 ] || [ -z "$manual" ] || apt-mark manual -- $manual >/dev/null
exit "$rc"
"""  # fmt: skip
_SIMULATE = APT + 'hp_times; hp_apt 0 apt-get --simulate "$@"\n'
_UPDATE_AND_SIMULATE = (
    APT + 'hp_update "$1" "$2" "$3" || exit; shift 3; hp_times; hp_apt 0 apt-get --simulate "$@"\n'
)
NOTHING = "0 upgraded, 0 newly installed, 0 to remove"


def update_args(args: Mapping[str, Any]) -> tuple[str, ...]:
    """What ``hp_update`` takes."""
    keys = ("lock_timeout", "update_cache_retries", "update_cache_retry_max_delay")
    return tuple(str(max(1, args.get(key, 60))) for key in keys)


def options(args: Mapping[str, Any]) -> list[str]:
    """What every call of apt-get gets that changes something."""
    words = ["-y"]
    for each in args["dpkg_options"].split(","):
        words += ["-o", f"Dpkg::Options::=--{each.strip()}"]
    return [*words, "-o", f"DPkg::Lock::Timeout={args['lock_timeout']}"]


def forced(args: Mapping[str, Any]) -> list[str]:
    """The options that allow more. ``force`` is all of them."""
    force = args["force"]
    allowed = {
        "--allow-unauthenticated": force or args["allow_unauthenticated"],
        "--allow-downgrades": force or args["allow_downgrade"],
        "--allow-change-held-packages": force or args["allow_change_held_packages"],
        "--allow-remove-essential": force,
    }
    return [word for word, given in allowed.items() if given]


def simulated(words: list[str], update: tuple[str, ...] | None = None) -> Run:
    """``apt-get --simulate``; with ``update`` the lists are updated first, which is a change."""
    if update is None:
        return query(_SIMULATE, *words)
    return change(_UPDATE_AND_SIMULATE, *update, *words, foretells={"changed": True, "cache_updated": True})


def performed(
    args: Mapping[str, Any],
    mode: Mode,
    words: list[str],
    base: Result,
    *,
    manual: Sequence[str] = (),
    scratch: Sequence[str] = (),
) -> Generator[Request[Any], Any, Result]:
    """One change; under ``--check`` apt's own simulation foretells it. ``manual``: packages that are
    there for the sake of others only, so far; ``scratch``: files to be removed after it. Raises
    ModuleFailed."""
    told: Result = {"changed": True, **base}
    if mode.check:
        reply = yield from simulated(words)
        _, output = times(reply.stdout)
        told.update(_output(checked(reply, words, output, base), output, mode))
    code = "" if args["policy_rc_d"] is None else str(args["policy_rc_d"])
    first = (str(args["lock_timeout"]), code, " ".join(manual), " ".join(scratch))
    reply = yield from change(_INSTALL, *first, *words, foretells=told)
    return {**base, **_output(checked(reply, words, None, base), text(reply.stdout), mode)}


def checked(
    reply: RunReply, words: list[str], output: str | None = None, base: Result | None = None
) -> RunReply:
    """Raises ModuleFailed if apt-get failed. ``base``: further keys of that result."""
    if reply.exit_code == 0:
        return reply
    stderr, stdout = text(reply.stderr), text(reply.stdout) if output is None else output
    raise ModuleFailed(
        f"'apt-get {' '.join(words)}' failed: {stderr or f'signal {reply.signal}'}",
        rc=reply.exit_code, **(base or {}), stdout=stdout, stderr=stderr,
    )  # fmt: skip


def updated(reply: RunReply) -> RunReply:
    """Raises ModuleFailed if the lists could not be updated."""
    if reply.exit_code != 0:
        raise ModuleFailed(text(reply.stderr).strip() or "the lists of packages could not be updated")
    return reply


def times(stdout: bytes) -> tuple[tuple[int, int], str]:
    """What ``hp_times`` said, and what follows it."""
    line, _, rest = text(stdout).partition("\n")
    _, now, then = [*line.split("\t"), "", "", ""][:3]
    if not now.isdecimal() or not then.isdecimal():
        raise ModuleFailed("the host's answer cannot be read: its date or stat is unusual")
    return (int(now), int(then)), rest


def _output(reply: RunReply, stdout: str, mode: Mode) -> Result:
    more = {"diff": prepared(stdout)} if mode.diff else {}
    nothing = NOTHING in stdout and "not fully installed" not in stdout
    return {"changed": not nothing, "stdout": stdout, "stderr": text(reply.stderr), **more}


def prepared(output: str) -> Result:
    """What apt-get says it does, without what it says before and after."""
    lines = output.splitlines()
    start = lines.index("Reading state information...") + 1 if "Reading state information..." in lines else 0
    ends = [number for number, line in enumerate(lines) if re.match("[0-9]+ upgraded", line)]
    return {"prepared": "\n".join(lines[start : ends[0] + 1 if ends else None])}
