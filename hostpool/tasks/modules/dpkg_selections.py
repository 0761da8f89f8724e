"""dpkg_selections: what dpkg is to do with a package: install, hold, deinstall or purge.

Parameters:
    name: the package
    selection: what is selected for it
Returns: ``before``, ``after``.
Needs: dpkg.
Source: ansible.builtin.dpkg_selections of ansible-core 2.19, man page dpkg(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, change, query, require, text
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = r"""
export LC_ALL=C
exec dpkg --get-selections "$1"
"""
_SET = r"""
export LC_ALL=C
printf '%s %s\n' "$1" "$2" | dpkg --set-selections
"""


def dpkg_selections(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, selection = args["name"], args["selection"]
    if name.startswith("-") or not name.isprintable() or " " in name:
        raise ModuleFailed(f"{name!r} is the name of no package")
    reply = require((yield from query(_LOOK, name)), "dpkg --get-selections")
    if "no packages found matching" in text(reply.stderr):
        raise ModuleFailed(f"Failed to find package '{name}' to perform selection '{selection}'.")
    words = text(reply.stdout).split()
    before = words[1] if len(words) > 1 else "not present"
    told = {"changed": before != selection, "before": before, "after": selection}
    if told["changed"]:
        reply = yield from change(_SET, name, selection, foretells=told)
        require(reply, "dpkg --set-selections")
    return told


MODULES = {
    "dpkg_selections": Module(
        Spec(
            "dpkg_selections",
            {
                "name": Param(required=True),
                "selection": Param(required=True, choices=("install", "hold", "deinstall", "purge")),
            },
        ),
        dpkg_selections,
    )
}
