"""Which service manager a host has, and what modules about services share.

systemd where it runs (sd_booted(3): /run/systemd/system is there), else OpenRC where it has its tools,
else init scripts.
"""

from __future__ import annotations

import shlex
from typing import Any

from hostpool.tasks.modules.base import ModuleFailed, sections

TOOLS = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; LC_ALL=C; export LC_ALL\n"
"""sh: the programs of an administrator are found by whoever logs in, and speak English."""

SERVICE_MANAGER = r"""
hp_service_manager() {
  if [ -d /run/systemd/system ]; then echo systemd
  elif command -v rc-service >/dev/null 2>&1 && command -v rc-update >/dev/null 2>&1; then echo openrc
  else echo sysvinit
  fi
}
"""

STEP = r"""
hp_tmp=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit 1
trap 'rm -rf "$hp_tmp"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
hp_step() { # what it is, command: a daemon may hold its output open, so that goes to files
  hp_what=$1; shift
  "$@" </dev/null >"$hp_tmp/out" 2>"$hp_tmp/err"; hp_rc=$?
  printf '\001%s %s\n' "$hp_what" "$hp_rc"; cat "$hp_tmp/out"; printf '\002'; cat "$hp_tmp/err"
  return $hp_rc
}
"""


def steps_of(output: bytes) -> list[tuple[str, int, str, str]]:
    """What ``hp_step`` did, once at least: what it was, exit status, stdout, stderr. Raises ModuleFailed."""
    found = []
    for head, body in sections(output):
        what, _, code = head.rpartition(" ")
        out, _, err = body.partition("\002")
        found.append((what, exit_status(code), out, err))
    if not found:
        raise unreadable()
    return found


def words_of(arguments: str | None) -> list[str]:
    """As a shell splits them. Raises ModuleFailed."""
    try:
        return shlex.split(arguments or "")
    except ValueError as error:
        raise ModuleFailed(f"arguments: {error} in {arguments!r}") from error


def exit_status(word: str) -> int:
    """Raises ModuleFailed."""
    if not word.isdecimal() or len(word) > 3:
        raise unreadable()
    return int(word)


def unreadable() -> ModuleFailed:
    return ModuleFailed("the host's answer cannot be read: its sh, or its tools for services, are unusual")


def missing(name: str, **values: Any) -> ModuleFailed:
    return ModuleFailed(f"Could not find the requested service {name}: host", **values)
