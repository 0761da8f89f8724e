"""alternatives: a program is one of the alternatives of a name, and perhaps the one that is taken.

Parameters:
    name: the name of the link
    path: the program
    family: a group of alternatives, with the alternatives(8) of RHEL only
    link: the link that leads to the program; needed where the name is new
    priority: which one is taken by itself; of a new one 50
    state: selected, it is the one that is taken; present, it is one of them; auto, the one of the highest
        priority is taken; absent
    subcommands: further links that go along, each with name, path and link
Returns: ``msg``, ``diff``
Needs: update-alternatives(1).
Source: community.general.alternatives 11.3, man page update-alternatives(1)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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

_LOOK = (
    TOOLS
    + r"""
command -v update-alternatives >/dev/null 2>&1 ||
  { echo "update-alternatives is not on the host" >&2; exit 1; }
update-alternatives --display "$1" 2>/dev/null
[ -z "$2" ] || [ ! -e "$2" ] || printf '\001there\n'
exit 0
"""
)
_CHANGE = (
    TOOLS
    + r"""
hp_do=$1 hp_name=$2 hp_path=$3 hp_choice=$4; shift 4
for hp_action in $hp_do; do
  case $hp_action in
    install) update-alternatives --install "$@";;
    set) update-alternatives --set "$hp_name" "$hp_choice";;
    auto) update-alternatives --auto "$hp_name";;
    remove) update-alternatives --remove "$hp_name" "$hp_path";;
  esac >&2 || exit
done
"""
)
_ENTRY = re.compile(
    r"^(/.*)\s-\s(?:family\s(\S+)\s)?priority\s(\d+)((?:\s+(?:slave|follower).*)*)", re.MULTILINE
)

Sub = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    family: str
    priority: int
    subcommands: list[Sub]


@dataclass(slots=True)
class _Group:
    mode: str = ""
    path: str = ""
    link: str = ""
    entries: dict[str, _Entry] = field(default_factory=dict)


def alternatives(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, path = args["name"], args["path"]
    if name.startswith("-") or "/" in name or not name:
        raise ModuleFailed(f"{name!r} cannot be the name of an alternative")
    if path is None and args["family"] is None:
        raise ModuleFailed("one of the following is required: path, family")
    reply = yield from query(_LOOK, name, path or "")
    display, _, there = text(require(reply, name).stdout).partition("\x01")
    group = _group(display, args["subcommands"])
    actions = _actions(args, group)
    result: Result = {"changed": bool(actions), "msg": _message(args, actions)}
    if mode.diff:
        result["diff"] = _diff(args, group, actions)
    if not actions:
        return result
    install: list[str] = []
    if "install" in actions:
        if not there:
            raise ModuleFailed(f"Specified path {path} does not exist")
        install = _install(args, group)
    words = (" ".join(actions), name, path or "", path or args["family"] or "", *install)
    reply = yield from change(_CHANGE, *words, foretells=result)
    require(reply, f"the alternative {name} could not be changed")
    return result


def _group(display: str, given: list[Sub] | None) -> _Group:
    found = re.search(r"\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$", display, re.MULTILINE)
    if found is None:
        return _Group()
    group = _Group(found[1])
    for key, pattern in (("path", r"^\s*link currently points to (.*)$"), ("link", r"^\s*link \w+ is (.*)$")):
        if match := re.search(pattern, display, re.MULTILINE):
            setattr(group, key, match[1])
    links = dict(re.findall(r"^\s*(?:slave|follower) (\S+) is (.*)$", display, re.MULTILINE))
    if not links and given:
        links = {str(sub.get("name")): sub.get("link") for sub in given}
    for path, family, priority, below in _ENTRY.findall(display):
        subs = re.findall(r"^\s+(?:slave|follower) (.*): (.*)$", below, re.MULTILINE)
        group.entries[path] = _Entry(
            family, int(priority[:9]),
            [{"name": n, "path": p, "link": links.get(n)} for n, p in subs if p != "(null)"],
        )  # fmt: skip
    return group


def _actions(args: Mapping[str, Any], group: _Group) -> list[str]:
    path, state = args["path"], args["state"]
    entry = group.entries.get(path)
    if state == "absent":
        return ["remove"] if entry else []
    actions = []
    if path is not None and (
        entry is None
        or args["priority"] not in (None, entry.priority)
        or (args["subcommands"] is not None and not _same(args["subcommands"], entry.subcommands))
    ):
        actions.append("install")
    taken = group.entries.get(group.path)
    same_family = taken is not None and args["family"] is not None and taken.family == args["family"]
    if state == "selected" and not ((path is not None and group.path == path) or same_family):
        actions.append("set")
    if state == "auto" and group.mode == "manual":
        actions.append("auto")
    return actions


def _same(one: list[Sub], other: list[Sub]) -> bool:
    return all(each in other for each in one) and all(each in one for each in other)


def _install(args: Mapping[str, Any], group: _Group) -> list[str]:
    path, entry = args["path"], group.entries.get(args["path"])
    link = args["link"] or group.link
    if not link:
        raise ModuleFailed(
            "Needed to install the alternative, but unable to do so as we are missing the link"
        )
    priority = args["priority"] if args["priority"] is not None else entry.priority if entry else 50
    words = [link, args["name"], path, str(priority)]
    if args["family"]:
        words += ["--family", args["family"]]
    for sub in args["subcommands"] if args["subcommands"] is not None else entry.subcommands if entry else []:
        if not isinstance(sub, Mapping) or any(not sub.get(key) for key in ("name", "path", "link")):
            raise ModuleFailed("each of subcommands needs name, path and link")
        words += ["--slave", str(sub["link"]), str(sub["name"]), str(sub["path"])]
    return words


def _message(args: Mapping[str, Any], actions: list[str]) -> str:
    name, path = args["name"], args["path"]
    words = {
        "install": f"Install alternative '{path}' for '{name}'.",
        "remove": f"Remove alternative '{path}' from '{name}'.",
        "set": f"Set alternative '{path or args['family']}' for '{name}'.",
        "auto": f"Set alternative to auto for '{name}'.",
    }
    return " ".join(words[action] for action in actions)


def _diff(args: Mapping[str, Any], group: _Group, actions: list[str]) -> Result:
    entry = group.entries.get(args["path"])
    before: Result = {"state": "present" if entry else "absent"}
    if entry:
        before |= {"path": args["path"], "priority": entry.priority, "link": group.link}
        if group.mode == "manual" and group.path == args["path"]:
            before["state"] = "selected"
    after = {**before, "state": args["state"]} if actions else before
    return {"before": before, "after": after}


MODULES = {
    "alternatives": Module(
        Spec(
            "alternatives",
            {
                "name": Param(required=True),
                "path": Param("path"),
                "family": Param(),
                "link": Param("path"),
                "priority": Param("int"),
                "state": Param(default="selected", choices=("present", "selected", "auto", "absent")),
                "subcommands": Param("list", aliases=("slaves",)),
            },
        ),
        alternatives,
    )
}
