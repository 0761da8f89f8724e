"""group: a group exists, with its number, or is gone.

Parameters:
    name: the group's name
    state: whether it is to exist
    gid: its number
    system: a system group, where it has to be made
    non_unique: another group may have the same number
    force: remove it even where it is some user's primary group (groupdel -f)
    gid_min: smallest number for a new group, in the place of GID_MIN of login.defs
    gid_max: largest number for a new group, in the place of GID_MAX of login.defs
Returns: ``name``, ``state``, ``gid``, ``system``, ``stdout``, ``stderr``
Needs: groupadd, groupmod and groupdel of shadow; or BusyBox's addgroup and delgroup.
Differs: what BusyBox cannot do (change a number, force, limits) fails by name instead of being left out.
Source: ansible.builtin.group of ansible-core 2.19, man page groupadd(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import RunReply
from hostpool.tasks.modules.accounts import ENTRIES, RUN, Group, checked_name, commands, groups_of, parts
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, text
from hostpool.tasks.modules.spec import Param, Spec

_STATE = r"""
hp_entry group "$1"; hp_part
for hp_t in groupadd groupmod groupdel addgroup delgroup; do
  command -v "$hp_t" >/dev/null 2>&1 && printf '%s ' "$hp_t"
done; hp_part
"""
_LOOK = ENTRIES + _STATE
_CHANGE = (
    ENTRIES
    + RUN
    + """
hp_name=$1; shift
hp_out=$(hp_commands "$@") || exit
printf '%s' "$hp_out"; hp_part
set -- "$hp_name"
"""
    + _STATE
)


def group(args: Mapping[str, Any], mode: Mode) -> Steps:
    name = checked_name(args["name"], "group")
    if args["non_unique"] and args["gid"] is None:
        raise ModuleFailed("non_unique is True but all of the following are missing: gid")
    reply = yield from query(_LOOK, name)
    lines, tools = parts(reply.stdout, 2)
    found = _named(lines, name)
    words = _words(args, found, frozenset(tools.split()))
    base: Result = {"name": name, "state": args["state"]}
    if not words:
        return {**base, **_keys(args, found), "changed": False}
    told = {**base, "changed": True}
    if args["state"] == "present":
        told["system"] = args["system"]
        if args["gid"] is not None:
            told["gid"] = args["gid"]
    done = yield from change(_CHANGE, name, *commands(words), foretells=told)
    return _after(done, args, base)


def _after(done: RunReply, args: Mapping[str, Any], base: Result) -> Result:
    if done.exit_code:
        raise ModuleFailed(text(done.stderr), name=args["name"], rc=done.exit_code)
    stdout, lines, _ = parts(done.stdout, 3)
    result = {**base, **_keys(args, _named(lines, args["name"])), "changed": True}
    said = {"stdout": stdout, "stderr": text(done.stderr)}
    return {**result, **{stream: words for stream, words in said.items() if words}}


def _named(lines: str, name: str) -> Group | None:
    return next((each for each in groups_of(lines) if each.name == name), None)


def _keys(args: Mapping[str, Any], found: Group | None) -> Result:
    return {} if found is None else {"system": args["system"], "gid": found.gid}


def _words(args: Mapping[str, Any], found: Group | None, tools: frozenset[str]) -> list[str]:
    """The command that makes it so; none where it is so already. Raises ModuleFailed."""
    busybox = "groupadd" not in tools and "addgroup" in tools
    if args["state"] == "absent":
        if found is None:
            return []
        if busybox:
            _refuse(args, "force")
            return ["delgroup", args["name"]]
        return ["groupdel", *(["-f"] if args["force"] else []), "--", args["name"]]
    if found is None:
        return _addition(args, busybox)
    if args["gid"] is None or args["gid"] == found.gid:
        return []
    if busybox:
        _refuse(args, "gid")
    return ["groupmod", *_number(args), "--", args["name"]]


def _addition(args: Mapping[str, Any], busybox: bool) -> list[str]:
    number = _number(args)
    if busybox:
        _refuse(args, "non_unique", "gid_min", "gid_max")
        return ["addgroup", *number, *(["-S"] if args["system"] else []), args["name"]]
    words = ["groupadd", *number, *(["-r"] if args["system"] else [])]
    for limit in ("gid_min", "gid_max"):
        if args[limit] is not None:
            words += ["-K", f"{limit.upper()}={args[limit]}"]
    return [*words, "--", args["name"]]


def _number(args: Mapping[str, Any]) -> list[str]:
    if args["gid"] is None:
        return []
    return ["-g", str(args["gid"]), *(["-o"] if args["non_unique"] else [])]


def _refuse(args: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if args[name] not in (None, False):
            raise ModuleFailed(f"{name}: BusyBox has no program for that", name=args["name"])


MODULES = {
    "group": Module(
        Spec(
            "group",
            {
                "name": Param(required=True),
                "state": Param(default="present", choices=("absent", "present")),
                "gid": Param("int"),
                "system": Param("bool", False),
                "non_unique": Param("bool", False),
                "force": Param("bool", False),
                "gid_min": Param("int"),
                "gid_max": Param("int"),
            },
            refused={"local": "the programs of libuser are not used"},
        ),
        group,
    )
}
