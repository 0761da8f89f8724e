"""hostname: the host has this name, now and after a boot.

Parameters:
    name: the name
    use: how it is set, instead of by what the host is: systemd (hostnamectl), debian (the same where systemd
        runs, else /etc/hostname), alpine (/etc/hostname), redhat (/etc/sysconfig/network), sles
        (/etc/HOSTNAME), openrc
        (/etc/conf.d/hostname), generic (not after a boot)
Returns: ``name``, ``ansible_facts`` (``ansible_hostname``, ``ansible_nodename``, ``ansible_fqdn``,
``ansible_domain``), ``diff``
Needs: hostnamectl(1) where systemd runs, else hostname(1).
Differs: without systemd debian is taken for every host that has neither /etc/sysconfig/network with a
HOSTNAME, nor /etc/HOSTNAME, nor /etc/conf.d/hostname.
Source: ansible.builtin.hostname of ansible-core 2.19, man pages hostname(1), hostname(5), hostnamectl(1)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, require
from hostpool.tasks.modules.services import SERVICE_MANAGER, TOOLS
from hostpool.tasks.modules.spec import Param, Spec

_FQDN = r"""
hp_fqdn() { printf '\001fqdn\n'; hostname -f 2>/dev/null || uname -n; }
"""
_LOOK = TOOLS + SERVICE_MANAGER + _FQDN + r"""
hp_use=$1
if [ -z "$hp_use" ] || [ "$hp_use" = debian ]; then
  if [ "$(hp_service_manager)" = systemd ]; then hp_use=systemd
  elif [ -n "$hp_use" ]; then :
  elif grep -q '^HOSTNAME' /etc/sysconfig/network 2>/dev/null; then hp_use=redhat
  elif [ -e /etc/HOSTNAME ]; then hp_use=sles
  elif [ -e /etc/conf.d/hostname ] && [ ! -e /etc/hostname ]; then hp_use=openrc
  else hp_use=debian
  fi
fi
hp_now=$(uname -n)
case $hp_use in
  systemd)
    hp_now=$(hostnamectl --transient status) && hp_kept=$(hostnamectl --static status) || exit;;
  redhat)
    hp_kept=$(sed -n 's/^[[:space:]]*HOSTNAME[[:space:]]*=[[:space:]]*//p' /etc/sysconfig/network) || exit;;
  sles) hp_kept=$(head -n 1 /etc/HOSTNAME 2>/dev/null);;
  openrc) hp_kept=$(sed -n 's/^[[:space:]]*hostname=//p' /etc/conf.d/hostname | tr -d "\"'") || exit;;
  generic) hp_kept=$2;;
  *) hp_kept=$(cat /etc/hostname 2>/dev/null);;
esac
printf '%s\n%s\n%s\n' "$hp_use" "$hp_now" "$hp_kept"
hp_fqdn
"""  # fmt: skip
_CHANGE = TOOLS + _FQDN + r"""
hp_use=$1 hp_name=$2 hp_what=$3
hp_line() { # file, the line's beginning, the whole line: it is the only one of its kind
  hp_new=$1.hostpool.$$
  trap 'rm -f -- "$hp_new"' EXIT
  { [ ! -e "$1" ] || cp -p -- "$1" "$hp_new"; } || return
  { if [ -e "$1" ]; then grep -v "^[[:space:]]*$2" "$1"; fi; printf '%s\n' "$3"; } > "$hp_new" || return
  mv -f -- "$hp_new" "$1"
}
case $hp_what in *kept*) case $hp_use in
  systemd) hostnamectl --pretty --static set-hostname "$hp_name" || exit;;
  redhat) hp_line /etc/sysconfig/network HOSTNAME "HOSTNAME=$hp_name" || exit;;
  sles) hp_line /etc/HOSTNAME "" "$hp_name" || exit;;
  openrc) hp_line /etc/conf.d/hostname hostname= "hostname=\"$hp_name\"" || exit;;
  generic) ;;
  *) hp_line /etc/hostname "" "$hp_name" || exit;;
esac;; esac
case $hp_what in *now*) case $hp_use in
  systemd) hostnamectl --transient set-hostname "$hp_name" || exit;;
  *) hostname "$hp_name" || exit;;
esac;; esac
hp_fqdn
"""  # fmt: skip


def hostname(args: Mapping[str, Any], mode: Mode) -> Steps:
    name = args["name"]
    if not name or name.startswith("-") or any(letter.isspace() or letter in "\"'$`\\/" for letter in name):
        raise ModuleFailed(f"{name!r} cannot be the name of a host")
    if len(name) > 64:
        raise ModuleFailed(f"a host's name has at most 64 characters, {name!r} has {len(name)}")
    reply = yield from query(_LOOK, args["use"] or "", name)
    head, _, fqdn = _parts(require(reply, "the host does not tell its name").stdout)
    use, now, kept = [*head.split("\n"), "", "", ""][:3]
    what = " ".join(word for word, there in (("kept", kept), ("now", now)) if there.strip() != name)
    result: Result = {"changed": bool(what), "name": name, "ansible_facts": _facts(name, fqdn)}
    if not what:
        return result
    before = now if now != name else kept
    if mode.diff:
        result["diff"] = {"after": f"hostname = {name}\n", "before": f"hostname = {before}\n"}
    reply = yield from change(_CHANGE, use, name, what, foretells=result)
    _, _, fqdn = _parts(require(reply, f"the host could not be named {name}").stdout)
    return {**result, "ansible_facts": _facts(name, fqdn)}


def _parts(output: bytes) -> tuple[str, str, str]:
    return output.decode("utf-8", "replace").partition("\x01fqdn\n")


def _facts(name: str, fqdn: str) -> Result:
    full = fqdn.strip() or name
    return {
        "ansible_hostname": name.split(".")[0], "ansible_nodename": name, "ansible_fqdn": full,
        "ansible_domain": full.partition(".")[2],
    }  # fmt: skip


MODULES = {
    "hostname": Module(
        Spec(
            "hostname",
            {
                "name": Param(required=True),
                "use": Param(choices=("alpine", "debian", "generic", "openrc", "redhat", "sles", "systemd")),
            },
        ),
        hostname,
    )
}
