"""seboolean: a boolean of SELinux is on or off.

Parameters:
    name: the boolean
    state: on or off
    persistent: after a boot too
    ignore_selinux_state: go on where SELinux is disabled, as in a chroot
Returns: ``name``, ``state``, ``persistent``
Needs: getsebool(8), setsebool(8); semanage(8) to know what holds after a boot, else what holds now counts.
Tested with: recorded replies.
Source: ansible.posix.seboolean 2.1, man pages getsebool(8), setsebool(8), semanage-boolean(8)
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
)
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = TOOLS + r"""
command -v setsebool >/dev/null 2>&1 ||
  { echo "setsebool is not on the host: install policycoreutils" >&2; exit 1; }
printf '\001status\n'; getenforce 2>/dev/null
printf '\001now\n'; getsebool -- "$1" 2>&1
printf '\001kept\n'
if [ -n "$2" ] && command -v semanage >/dev/null 2>&1; then
  semanage boolean -l -n 2>/dev/null | while read -r hp_name hp_rest; do
    [ "$hp_name" != "$1" ] || printf '%s\n' "$hp_rest"; done
fi
exit 0
"""  # fmt: skip
_CHANGE = TOOLS + 'setsebool $1 -- "$2" "$3"\n'


def seboolean(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, state, persistent = args["name"], args["state"], args["persistent"]
    if not re.fullmatch(r"\w+", name):
        raise ModuleFailed(f"{name!r} cannot be the name of a boolean")
    reply = yield from query(_LOOK, name, "kept" if persistent else "")
    parts = {head: body.strip() for head, body in sections(require(reply, name).stdout)}
    if parts.get("status") in (None, "", "Disabled") and not args["ignore_selinux_state"]:
        raise ModuleFailed("SELinux is disabled on this host.")
    now = re.search(r"--> (on|off)$", parts.get("now", ""))
    kept = re.match(r"\(\s*(?:on|off)\s*,\s*(on|off)\s*\)", parts.get("kept", ""))
    if now is None and kept is None:
        raise ModuleFailed(f"SELinux boolean {name} does not exist: {parts.get('now', '')}")
    held = (kept or now) if persistent else (now or kept)
    assert held is not None
    changed = (held[1] == "on") is not state
    result: Result = {"changed": changed, "name": name, "state": state, "persistent": persistent}
    if changed:
        flag = "-P" if persistent else ""
        reply = yield from change(_CHANGE, flag, name, "on" if state else "off", foretells=result)
        require(reply, f"Failed to set boolean {name} to {'on' if state else 'off'}")
    return result


MODULES = {
    "seboolean": Module(
        Spec(
            "seboolean",
            {
                "name": Param(required=True),
                "state": Param("bool", required=True),
                "persistent": Param("bool", False),
                "ignore_selinux_state": Param("bool", False),
            },
        ),
        seboolean,
    )
}
