"""service: a service runs or not, starts at boot or not, whatever the host's service manager is.

Parameters:
    name: the service
    state: started and stopped do nothing where it is so; restarted always restarts; reloaded reloads, or
        starts what does not run
    enabled: whether it starts at boot
    sleep: seconds between stop and start of a restart; without systemd
    pattern: it runs if this text is in the list of processes; with init scripts only
    runlevel: where it is enabled, with OpenRC only
    arguments: further words for the init script; without systemd
    use: the manager, instead of the one that is found
Returns: ``name``, ``state``, ``enabled``, ``status`` (as systemd_service and sysvinit have it)
Needs: systemctl(1), or rc-service(8) and rc-update(8), or init scripts.
Differs: the manager is looked for on the host (systemd where it runs, OpenRC, init scripts), not taken
from the facts; ``status`` is there with init scripts too.
Tested with: systemd 252 as process 1, init scripts of Debian 12; OpenRC by recorded replies.
Source: ansible.builtin.service of ansible-core 2.19, man pages systemctl(1), service(8)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules import openrc, systemd, sysvinit
from hostpool.tasks.modules.base import Mode, Module, Result, Steps, query, require, text
from hostpool.tasks.modules.services import SERVICE_MANAGER, TOOLS
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = TOOLS + SERVICE_MANAGER + systemd.LOOK + sysvinit.LOOK + openrc.LOOK + r"""
hp_use=${1:-$(hp_service_manager)}; shift
echo "$hp_use"
case $hp_use in
  systemd) hp_systemd "" "" "$1";;
  openrc) hp_openrc "$@";;
  *) hp_sysv "$@";;
esac
"""  # fmt: skip
_SYSTEMD = {"masked": None, "scope": "system", "no_block": False, "force": None}


def service(args: Mapping[str, Any], mode: Mode) -> Steps:
    sysvinit.need_of(args)
    name = args["name"]
    manager = {"auto": "", "service": ""}.get(args["use"], args["use"])
    reply = yield from query(_LOOK, manager, name, args["pattern"] or "", "status" if args["state"] else "")
    first, _, rest = require(reply, name).stdout.partition(b"\n")
    manager = text(first).strip()
    if manager == "systemd":
        return (yield from systemd.decided({**args, **_SYSTEMD}, rest))
    if manager == "openrc":
        return (yield from openrc.decided(args, rest))
    more: Result = {}
    if args["enabled"] is not None:
        more["enabled"] = args["enabled"]
    if args["state"]:
        more["state"] = "stopped" if args["state"] == "stopped" else "started"
    return (yield from sysvinit.decided(args, rest, more))


MODULES = {
    "service": Module(
        Spec(
            "service",
            {
                "name": Param(required=True),
                "state": Param(choices=("started", "stopped", "restarted", "reloaded")),
                "enabled": Param("bool"),
                "sleep": Param("int"),
                "pattern": Param(),
                "runlevel": Param(default="default"),
                "arguments": Param(default="", aliases=("args",)),
                "use": Param(default="auto", choices=("auto", "service", "systemd", "sysvinit", "openrc")),
            },
        ),
        service,
    )
}
