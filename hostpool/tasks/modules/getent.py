"""getent: entries of the host's databases (passwd, group, hosts, services, …) are facts.

Parameters:
    database: its name, as getent(1) has it
    key: only this entry; else all of them
    service: ask only this service of nsswitch.conf(5)
    split: what divides an entry into fields; a colon for passwd, shadow, group and gshadow, else white space
    fail_key: fail where there is no entry for the key
Returns: ``ansible_facts`` with ``getent_DATABASE``, ``msg``
Needs: getent(1).
Source: ansible.builtin.getent of ansible-core 2.19, man page getent(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, query, text
from hostpool.tasks.modules.spec import Param, Spec

_COLON = ("passwd", "shadow", "group", "gshadow")
_LOOK = r"""
command -v getent >/dev/null 2>&1 || { echo "there is no getent on the host" >&2; exit 9; }
hp_d=$1 hp_k=$2 hp_s=$3
set --; [ -z "$hp_s" ] || set -- -s "$hp_s"
getent "$@" "$hp_d" ${hp_k:+"$hp_k"}
"""
_REASONS = {
    1: "Missing arguments, or database unknown.",
    2: "One or more supplied key could not be found in the database.",
    3: "Enumeration not supported on this database.",
}


def getent(args: Mapping[str, Any], mode: Mode) -> Steps:
    database, key = args["database"], args["key"]
    for name in ("database", "key", "service"):
        if (args[name] or "").startswith("-"):
            raise ModuleFailed(f"{name}: {args[name]!r} would be an option of getent")
    reply = yield from query(_LOOK, database, key or "", args["service"] or "")
    fact = f"getent_{database}"
    if reply.exit_code == 0:
        split = args["split"] or (":" if database in _COLON else None)
        return {"changed": False, "ansible_facts": {fact: _entries(text(reply.stdout), split)}}
    if reply.exit_code == 9:
        raise ModuleFailed(text(reply.stderr).strip())
    reason = _REASONS.get(reply.exit_code or 0, "Unexpected failure!")
    if reply.exit_code == 2 and not args["fail_key"]:
        return {"changed": False, "ansible_facts": {fact: {key: None}}, "msg": reason}
    raise ModuleFailed(reason)


def _entries(output: str, split: str | None) -> dict[str, Any]:
    """By their first field; where several have the same, a list of them."""
    found: dict[str, list[list[str]]] = {}
    for line in output.splitlines():
        name, *rest = line.split(split) or [""]
        found.setdefault(name, []).append(rest)
    return {name: entries[0] if len(entries) == 1 else entries for name, entries in found.items()}


MODULES = {
    "getent": Module(
        Spec(
            "getent",
            {
                "database": Param(required=True),
                "key": Param(),
                "service": Param(),
                "split": Param(),
                "fail_key": Param("bool", True),
            },
        ),
        getent,
    )
}
