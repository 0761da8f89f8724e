"""firewalld: a setting of a zone, or a zone, is there or not; now, after a reload, or both.

Parameters:
    service: a service, as firewall-cmd --get-services has it
    protocol: a protocol
    port: PORT/PROTOCOL, or FIRST-LAST/PROTOCOL
    port_forward: one mapping with port, proto, toport and perhaps toaddr
    rich_rule: a rule of the rich language
    source: an address or a network
    interface: a network interface
    icmp_block: a type of ICMP
    icmp_block_inversion: the blocks are what is let through
    forward: packets between interfaces and sources of the zone
    masquerade: masquerading
    target: what happens to all else; absent makes it default
    zone: the zone, else the host's default zone
    permanent: in the configuration
    immediate: in the running firewall; without permanent always
    state: enabled or disabled; present or absent for a target, or where only a zone is named
    timeout: seconds after which a setting of the running firewall goes
    offline: with permanent, go on where firewalld does not run
Returns: ``msg``
Needs: firewall-cmd(1), where firewalld does not run firewall-offline-cmd(1).
Tested with: recorded replies; by hand with firewall-offline-cmd of firewalld 1.3.
Source: ansible.posix.firewalld 2.1, man pages firewall-cmd(1), firewall-offline-cmd(1)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    text,
)
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = TOOLS + r"""
hp_permanent=$1 hp_immediate=$2 hp_offline=$3; shift 3
command -v firewall-cmd >/dev/null 2>&1 ||
  { echo "firewall-cmd is not on the host: install firewalld" >&2; exit 1; }
if firewall-cmd --state >/dev/null 2>&1; then
  echo running; hp_tool="firewall-cmd --permanent"
elif [ -z "$hp_offline" ]; then
  echo "firewalld service must be running, or try with offline=true" >&2; exit 1
else
  echo offline; hp_tool=firewall-offline-cmd hp_immediate=
fi
if [ -n "$hp_permanent" ]; then
  hp_said=$($hp_tool "$@" 2>&1); printf '\001permanent %s\n%s\n' $? "$hp_said"; fi
if [ -n "$hp_immediate" ]; then
  hp_said=$(firewall-cmd "$@" 2>&1); printf '\001immediate %s\n%s\n' $? "$hp_said"; fi
"""  # fmt: skip
_CHANGE = TOOLS + r"""
hp_offline=$1 hp_where=$2 hp_timeout=$3; shift 3
case $hp_where in *permanent*)
  if [ -n "$hp_offline" ]; then firewall-offline-cmd "$@"; else firewall-cmd --permanent "$@"; fi || exit;;
esac
case $hp_where in *immediate*) firewall-cmd "$@" ${hp_timeout:+"--timeout=$hp_timeout"} || exit;; esac
"""  # fmt: skip
_VALUES = ("service", "protocol", "port", "rich_rule", "source", "interface", "icmp_block")
_SWITCHES = ("icmp_block_inversion", "forward", "masquerade")
_KINDS = (*_VALUES, *_SWITCHES, "port_forward", "target")


@dataclass(frozen=True, slots=True)
class _Setting:
    """``query`` asks for it; ``add`` and ``remove`` change it; ``wanted``: whether it is to be there."""

    kind: str
    value: str
    query: str
    add: str
    remove: str
    wanted: bool

    def holds(self, said: str) -> bool:
        """For the two that are not asked with a question."""
        if self.kind == "zone":
            return (self.value in said.split()) is self.wanted
        return said.strip() == (self.value if self.wanted else "default")


def firewalld(args: Mapping[str, Any], mode: Mode) -> Steps:
    setting = _setting(args)
    permanent = bool(args["permanent"])
    if args["offline"] and not permanent:
        raise ModuleFailed("offline cannot be enabled unless permanent changes are allowed")
    immediate = bool(args["immediate"] or not permanent)
    if setting is None:
        return {"changed": False, "msg": ""}
    if setting.kind in ("zone", "target") and (immediate or not permanent):
        raise ModuleFailed(
            "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or "
            "the 'immediate' flag to 'true'."
        )
    zone = [f"--zone={args['zone']}"] if args["zone"] and setting.kind != "zone" else []
    flags = ["yes" if flag else "" for flag in (permanent, immediate, args["offline"])]
    reply = yield from query(_LOOK, *flags, *zone, setting.query)
    output = text(require(reply, "firewalld").stdout)
    offline, where = _where(setting, output)
    result: Result = {"changed": bool(where), "msg": _message(args, setting, permanent, immediate, where)}
    if not where:
        return result
    timeout = str(args["timeout"]) if args["timeout"] and setting.wanted else ""
    action = setting.add if setting.wanted else setting.remove
    reply = yield from change(
        _CHANGE, "yes" if offline else "", " ".join(where), timeout, *zone, action, foretells=result
    )
    require(reply, "ERROR: Exception caught")
    return result


def _where(setting: _Setting, output: str) -> tuple[bool, list[str]]:
    """Whether firewalld does not run; which of permanent and immediate is not as wanted.

    Raises ModuleFailed."""
    first, *sections = output.split("\001")
    where = []
    for section in sections:
        head, _, said = section.partition("\n")
        name, _, code = head.partition(" ")
        if code not in ("0", "1") or (code == "1" and setting.kind in ("zone", "target")):
            raise ModuleFailed(f"ERROR: Exception caught: {said.strip()}")
        asked = setting.kind not in ("zone", "target")
        if not ((code == "0") is setting.wanted if asked else setting.holds(said)):
            where.append(name)
    return first.strip() == "offline", where


def _setting(args: Mapping[str, Any]) -> _Setting | None:
    """Raises ModuleFailed."""
    given = [kind for kind in _KINDS if args[kind] is not None]
    if len(given) > 1:
        raise ModuleFailed(f"parameters are mutually exclusive: {'|'.join(given)}")
    state, zone = args["state"], args["zone"]
    on = state in ("enabled", "present")
    if not given:
        if not zone or state in ("enabled", "disabled"):
            return None
        return _Setting("zone", zone, "--get-zones", f"--new-zone={zone}", f"--delete-zone={zone}", on)
    kind = given[0]
    if state in ("absent", "present") and kind != "target":
        raise ModuleFailed("absent and present state can only be used in zone level operations")
    if kind in ("interface", "target") and not zone:
        raise ModuleFailed(f"missing parameter(s) required by '{kind}': zone")
    if kind == "target":
        target = args["target"]
        return _Setting(kind, target, "--get-target", f"--set-target={target}", "--set-target=default", on)
    name = "forward-port" if kind == "port_forward" else kind.replace("_", "-")
    if kind in _SWITCHES:
        words = (f"--query-{name}", f"--add-{name}", f"--remove-{name}")
        return _Setting(kind, str(args[kind]), *words, on is args[kind])
    value = _forward(args[kind]) if kind == "port_forward" else str(args[kind]).strip()
    if kind == "port" and not re.fullmatch(r"[^/]+/[^/]+", value):
        raise ModuleFailed("improper port format (missing protocol?)")
    add = "change" if kind == "interface" else "add"
    words = (f"--query-{name}={value}", f"--{add}-{name}={value}", f"--remove-{name}={value}")
    return _Setting(kind, value, *words, on)


def _forward(given: list[Any]) -> str:
    if len(given) != 1:
        raise ModuleFailed("Only one port forward supported at a time")
    forward = given[0]
    for key in ("port", "proto", "toport"):
        if not isinstance(forward, Mapping) or key not in forward:
            raise ModuleFailed(f"{key} must be specified for port forward")
    return ":".join(
        f"{key}={forward[key]}" for key in ("port", "proto", "toport", "toaddr") if forward.get(key)
    )


def _message(
    args: Mapping[str, Any], setting: _Setting, permanent: bool, immediate: bool, where: list[str]
) -> str:
    if permanent and immediate:
        operation = "Permanent and Non-Permanent(immediate) operation"
    else:
        operation = "Permanent operation" if permanent else "Non-permanent operation"
    done = f", Changed {setting.kind} {setting.value} to {args['state']}" if where else ""
    return operation + done


MODULES = {
    "firewalld": Module(
        Spec(
            "firewalld",
            {
                **{kind: Param() for kind in _VALUES},
                **{kind: Param("bool") for kind in _SWITCHES},
                "port_forward": Param("list"),
                "target": Param(choices=("default", "ACCEPT", "DROP", "%%REJECT%%")),
                "zone": Param(),
                "permanent": Param("bool", False),
                "immediate": Param("bool", False),
                "state": Param(required=True, choices=("absent", "disabled", "enabled", "present")),
                "timeout": Param("int", 0),
                "offline": Param("bool", False),
            },
        ),
        firewalld,
    )
}
