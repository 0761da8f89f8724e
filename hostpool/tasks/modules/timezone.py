"""timezone: the host's clock shows the time of this zone; its hardware clock runs in UTC or local time.

Parameters:
    name: the zone, as a file below /usr/share/zoneinfo
    hwclock: what the hardware clock shows
Returns: ``diff``
Needs: the zone's file (tzdata); timedatectl(1) where systemd runs; else for hwclock hwclock(8).
Differs: without systemd /etc/localtime becomes a link, and /etc/timezone or /etc/sysconfig/clock names the
zone; hwclock is what /etc/adjtime says, unless a file of the distribution has a line UTC=. Linux only.
Tested with: timedatectl of systemd 252, files on Debian 12; hwclock and Alpine by recorded replies.
Source: community.general.timezone 11.3, man pages timedatectl(1), localtime(5), hwclock(8), adjtime(5)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import (
    Mode,
    Module,
    ModuleFailed,
    Result,
    Steps,
    change,
    query,
    require,
    sections,
    text,
)
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec

_FILES = r"""
hp_clock=/etc/sysconfig/clock
if command -v dpkg-reconfigure >/dev/null 2>&1; then hp_named=/etc/timezone hp_clock=/etc/default/rcS
elif [ -e /etc/sysconfig/clock ]; then hp_named=/etc/sysconfig/clock
else hp_named=/etc/timezone hp_clock=/etc/conf.d/hwclock
fi
"""
_LOOK = TOOLS + _FILES + r"""
hp_zones=/usr/share/zoneinfo
if [ -n "$1" ] && [ ! -f "$hp_zones/$1" ]; then printf 'no zone\n'; exit 0; fi
if hp_said=$(timedatectl status 2>/dev/null); then printf 'systemd\n%s\n' "$hp_said"; exit 0; fi
printf 'files\n\001named\n'
if [ "$hp_named" = /etc/timezone ]; then sed -n '/[^[:space:]]/{s/[[:space:]].*//;p;q;}' $hp_named 2>/dev/null
else sed -n 's/^\(TIME\)\{0,1\}ZONE[[:space:]]*=[[:space:]]*"\{0,1\}\([^"[:space:]]*\).*/\2/p' $hp_named
fi
printf '\001link\n'; readlink /etc/localtime
[ -L /etc/localtime ] || [ -z "$1" ] || ! cmp -s /etc/localtime "$hp_zones/$1" || printf '/%s\n' "$1"
printf '\001clock\n'
sed -n 's/^UTC[[:space:]]*=[[:space:]]*"\{0,1\}\([A-Za-z]*\).*/\1/p' $hp_clock 2>/dev/null
printf '\001adjtime\n'; sed -n '/^UTC$/p;/^LOCAL$/p' /etc/adjtime 2>/dev/null
exit 0
"""  # fmt: skip
_CHANGE = TOOLS + _FILES + r"""
hp_how=$1 hp_zone=$2 hp_rtc=$3
hp_put() { # file, pattern of sed, line: in the place of all such lines
  hp_new=$1.hostpool.$$
  trap 'rm -f -- "$hp_new"' EXIT
  { [ ! -e "$1" ] || cp -p -- "$1" "$hp_new"; } || return
  { [ ! -e "$1" ] || grep -v "$2" "$1"; printf '%s\n' "$3"; } > "$hp_new"
  mv -f -- "$hp_new" "$1"
}
if [ "$hp_how" = systemd ]; then
  [ -z "$hp_zone" ] || timedatectl set-timezone "$hp_zone" || exit
  [ "$hp_rtc" != local ] || timedatectl set-local-rtc yes || exit
  [ "$hp_rtc" != UTC ] || timedatectl set-local-rtc no || exit
  exit 0
fi
if [ -n "$hp_zone" ]; then
  if command -v setup-timezone >/dev/null 2>&1; then setup-timezone -z "$hp_zone" || exit
  else
    ln -s "/usr/share/zoneinfo/$hp_zone" "/etc/localtime.hostpool.$$" &&
      mv -f "/etc/localtime.hostpool.$$" /etc/localtime || exit
  fi
  if [ $hp_named = /etc/timezone ]; then hp_put $hp_named . "$hp_zone" || exit
  else
    hp_key=ZONE; ! grep -q '^TIMEZONE' $hp_named || hp_key=TIMEZONE
    hp_put $hp_named "^$hp_key[[:space:]]*=" "$hp_key=\"$hp_zone\"" || exit
  fi
fi
if [ -n "$hp_rtc" ]; then
  hp_utc=yes hp_option=--utc; [ "$hp_rtc" = UTC ] || hp_utc=no hp_option=--localtime
  if grep -q '^UTC[[:space:]]*=' $hp_clock 2>/dev/null; then
    hp_put $hp_clock '^UTC[[:space:]]*=' "UTC=$hp_utc" || exit; fi
  hwclock --systohc $hp_option || exit
fi
"""  # fmt: skip


def timezone(args: Mapping[str, Any], mode: Mode) -> Steps:
    zone = args["name"]
    if zone is not None and (not re.fullmatch(r"[A-Za-z0-9_+/-]+", zone) or zone[0] in "/-" or ".." in zone):
        raise ModuleFailed(f'given timezone "{zone}" is not available')
    reply = yield from query(_LOOK, zone or "")
    output = require(reply, "the time zone could not be read").stdout
    how, _, rest = text(output).partition("\n")
    if how == "no zone":
        raise ModuleFailed(f'given timezone "{zone}" is not available')
    now = _systemd(rest) if how == "systemd" else _files(rest, zone)
    before, after = {}, {}
    for key in ("name", "hwclock"):
        if args[key] is not None:
            before[key], after[key] = now[key], args[key]
    result: Result = {"changed": before != after}
    if before == after:
        return result
    if mode.diff:
        result["diff"] = {"before": before, "after": after}
    words = [args[key] if before.get(key) != after.get(key) else "" for key in ("name", "hwclock")]
    reply = yield from change(_CHANGE, how, *words, foretells=result)
    require(reply, "the time zone could not be set")
    return result


def _systemd(status: str) -> dict[str, str]:
    zone = re.search(r"^\s*Time ?zone\s*:\s*(\S+)", status, re.MULTILINE)
    local = re.search(r"^\s*RTC in local TZ\s*:\s*(\S+)", status, re.MULTILINE)
    if zone is None or local is None:
        raise ModuleFailed(f"timedatectl cannot be understood: {status.strip()}")
    return {"name": zone[1], "hwclock": "local" if local[1] == "yes" else "UTC"}


def _files(rest: str, wanted: str | None) -> dict[str, str]:
    parts = {head: body.strip() for head, body in sections(rest)}
    if not {"named", "link", "clock", "adjtime"} <= set(parts):
        raise ModuleFailed("the host's answer cannot be read: its sh is unusual")
    name = (parts["named"].splitlines() or ["n/a"])[0]
    if name == wanted:
        link = parts["link"]
        name = link.partition("zoneinfo/")[2] or link.removeprefix("/") or "n/a"
    adjtime = "local" if parts["adjtime"] == "LOCAL" else "UTC"
    clock = {"yes": "UTC", "true": "UTC", "no": "local", "false": "local"}.get(parts["clock"].lower())
    return {"name": name, "hwclock": adjtime if clock in (None, adjtime) else str(clock)}


MODULES = {
    "timezone": Module(
        Spec(
            "timezone",
            {"name": Param(), "hwclock": Param(choices=("local", "UTC"), aliases=("rtc",))},
            one_of=("name", "hwclock"),
        ),
        timezone,
    )
}
