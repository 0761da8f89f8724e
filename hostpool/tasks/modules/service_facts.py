"""service_facts: all services of the host, by name, in the facts.

Returns: ``ansible_facts`` with ``services``: ``name``, ``state``, ``status``, ``source`` (systemd, sysv,
openrc), with OpenRC ``runlevels``
Needs: systemctl(1), service(8), chkconfig(8) or rc-status(8): what there is of them.
Differs: upstart, AIX and the BSDs are not read.
Tested with: systemd 252, service(8) of Debian 12; chkconfig and OpenRC by recorded replies.
Source: ansible.builtin.service_facts of ansible-core 2.19
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Steps, query, require, sections
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Spec

_LOOK = TOOLS + r"""
has() { command -v "$1" >/dev/null 2>&1; }
s() { printf '\001%s\n' "$1"; }
if has service && ! has chkconfig && ! has rc-status; then
  s sysv; service --status-all 2>/dev/null </dev/null
fi
if has chkconfig; then
  s chkconfig
  chkconfig --list 2>/dev/null | while read -r name levels; do
    case $levels in 0:*) ;; *) continue;; esac
    service "$name" status >/dev/null 2>&1 </dev/null; printf '%s %s %s\n' "$name" $? "$levels"
  done
elif has rc-status && has rc-update; then
  s openrc; rc-status -a -s -m 2>&1
  s levels; rc-update show -v 2>&1
fi
if [ -d /run/systemd/system ] && has systemctl; then
  s units; systemctl list-units --no-pager --no-legend --type service --all --plain
  files=$(systemctl list-unit-files --no-pager --no-legend --type service --all)
  s files; printf '%s\n' "$files"
  set -f; set --
  for name in $(printf '%s\n' "$files" | while read -r name rest; do
    case $name in *@.service) ;; *.service) printf '%s\n' "$name";; esac; done); do set -- "$@" "$name"; done
  s states; systemctl show --property=ActiveState -- "$@" 2>/dev/null
fi
exit 0
"""  # fmt: skip

Services = dict[str, dict[str, Any]]
_NONE = "Failed to find any services. This can be due to privileges or some other configuration issue."
_BAD = ("not-found", "masked", "failed")


def service_facts(args: Mapping[str, Any], mode: Mode) -> Steps:
    reply = yield from query(_LOOK)
    found = dict(sections(require(reply, "the services could not be listed").stdout))
    services: Services = {}
    for name, read in _READERS:
        if name in found:
            services.update(read(found))
    if not services:
        return {"changed": False, "skipped": True, "msg": _NONE}
    return {"changed": False, "ansible_facts": {"services": services}}


def _sysv(sections: Mapping[str, str]) -> Services:
    found = re.findall(r"^\s*\[ ([+-]) \]\s+(.+)$", sections["sysv"], re.MULTILINE)
    return {
        name: {"name": name, "state": "running" if sign == "+" else "stopped", "source": "sysv"}
        for sign, name in found
    }


def _chkconfig(sections: Mapping[str, str]) -> Services:
    services = {}
    for line in sections["chkconfig"].splitlines():
        name, code, *levels = [*line.split(), "", ""]
        services[name] = {
            "name": name, "source": "sysv", "state": "running" if code == "0" else "stopped",
            "status": "enabled" if "3:on" in levels else "disabled",
        }  # fmt: skip
    return services


def _openrc(sections: Mapping[str, str]) -> Services:
    levels = {
        name.strip(): names.split() or None
        for name, bar, names in (line.partition("|") for line in sections.get("levels", "").splitlines())
        if bar
    }
    services = {}
    for line in sections["openrc"].splitlines():
        words = re.sub(r"[\[\]]", "", line).split()
        if line.startswith(" ") and len(words) > 1 and words[0] in levels:
            name = words[0]
            services[name] = {
                "name": name, "runlevels": levels[name], "state": words[1], "source": "openrc",
            }  # fmt: skip
    return services


def _systemd(sections: Mapping[str, str]) -> Services:
    services: Services = {}
    for line in sections["units"].splitlines():
        words = line.split(maxsplit=4)
        if len(words) < 4 or ".service" not in words[0]:
            continue
        bad = next((word for word in _BAD if word in words[:4]), None)
        services[words[0]] = {
            "name": words[0], "source": "systemd", "status": bad or words[2],
            "state": "running" if words[3] == "running" else "stopped",
        }  # fmt: skip
    lines = [line.split() for line in sections.get("files", "").splitlines() if ".service" in line]
    files = [words[:2] for words in lines if len(words) > 1]
    asked = [name for name, _ in files if not name.endswith("@.service")]
    told = re.findall(r"^ActiveState=(.*)$", sections.get("states", ""), re.MULTILINE)
    states = dict(zip_longest(asked, told[: len(asked)], fillvalue="unknown"))
    for name, status in files:
        if name not in services:
            state = states.get(name, "unknown")
            services[name] = {"name": name, "state": state, "status": status, "source": "systemd"}
        elif services[name]["status"] not in _BAD:
            services[name]["status"] = status
    return services


_READERS = (("sysv", _sysv), ("chkconfig", _chkconfig), ("openrc", _openrc), ("units", _systemd))
MODULES = {"service_facts": Module(Spec("service_facts", {}), service_facts)}
