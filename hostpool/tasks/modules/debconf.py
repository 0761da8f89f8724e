"""debconf: an answer to a question that a Debian package asks is set before it is installed.

Parameters:
    name: the package
    question: the question
    vtype: its type
    value: the answer
    unseen: the question does not count as asked
Returns: ``current``, ``previous``, ``msg``, ``diff``.
Needs: debconf (debconf-show, debconf-communicate, debconf-set-selections).
Differs: passwords are compared too, and told in no result. The package is not configured anew.
Source: ansible.builtin.debconf of ansible-core 2.19, man pages debconf-show(1), debconf-communicate(1).
"""

from __future__ import annotations

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
    text,
)
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = r"""
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
debconf-show "$1" || exit
[ -z "$2" ] || printf '\001%s\n' "$(printf 'GET %s\n' "$2" | debconf-communicate 2>/dev/null)"
"""
_SET = r"""
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
exec debconf-set-selections ${1:+"$1"}
"""
_TYPES = (
    "boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title",
)  # fmt: skip
_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def debconf(args: Mapping[str, Any], mode: Mode) -> Steps:
    question, vtype, value = args["question"], args["vtype"], args["value"]
    if any(each is None for each in (question, vtype, value)) and (question, vtype, value) != (None,) * 3:
        raise ModuleFailed("when supplying a question you must supply a valid vtype and value")
    for each in (args["name"], question or ""):
        if not each.isprintable() or " " in each or each.startswith("-"):
            raise ModuleFailed(f"{each!r} is the name of no package or question")
    secret = vtype == "password"
    reply = yield from query(_LOOK, args["name"], question if secret else "")
    shown, _, answer = text(require(reply, "debconf-show").stdout).partition("\x01")
    before = _selections(shown)
    if question is None:
        return {"changed": False, "msg": "", "current": before}
    wanted = _wanted(vtype, value)
    existing = _existing(vtype, value, answer[2:].rstrip("\n") if secret else before.get(question))
    if existing == (sorted(value) if isinstance(value, list) else wanted):
        return {"changed": False, "msg": "", "current": before}
    told = _told(question, _HIDDEN if secret else wanted, before, mode)
    line = f"{args['name']} {question} {vtype} {wanted}\n".encode()
    reply = yield from change(_SET, "-u" if args["unseen"] else "", foretells=told, stdin=line)
    require(reply, "debconf-set-selections")
    return told


def _selections(output: str) -> dict[str, str]:
    found = {}
    for line in output.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip("*").strip()] = value.strip()
    return found


def _wanted(vtype: str, value: Any) -> str:
    if vtype == "multiselect" and isinstance(value, list):
        return ", ".join(map(str, value))
    words = str(value).lower() if vtype == "boolean" else str(value)
    if "\n" in words:
        raise ModuleFailed("value has several lines, which debconf cannot take")
    return words


def _existing(vtype: str, value: Any, found: str | None) -> Any:
    if found is None:
        return None
    if isinstance(value, list):
        return sorted(each.strip() for each in found.split(","))
    return found.lower() if vtype == "boolean" else found


def _told(question: str, wanted: str, before: Mapping[str, str], mode: Mode) -> Result:
    previous = {question: before[question]} if question in before else {**before, question: ""}
    current = {question: wanted}
    diff = {"before": previous, "after": {**previous, **current}} if mode.diff else {}
    return {"changed": True, "msg": "", "current": current, "previous": previous, "diff": diff}


MODULES = {
    "debconf": Module(
        Spec(
            "debconf",
            {
                "name": Param(required=True, aliases=("pkg",)),
                "question": Param(aliases=("selection", "setting")),
                "vtype": Param(choices=_TYPES),
                "value": Param("raw", aliases=("answer",)),
                "unseen": Param("bool", False),
            },
        ),
        debconf,
    )
}
