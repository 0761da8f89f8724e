"""OpenRC's part of the module service: rc-service(8) and rc-update(8).

Tested with recorded replies: there is no OpenRC where these tests run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import ModuleFailed, Result, Steps, change, require, sections
from hostpool.tasks.modules.services import STEP, TOOLS, missing, steps_of, unreadable, words_of

LOOK = r"""
hp_openrc() { # name, pattern, whether the status is wanted
  rc-service --exists "$1" >/dev/null 2>&1 || return 0
  printf '\001script\n\001levels\n'; rc-update show 2>/dev/null
  if [ -n "$3" ]; then hp_said=$(rc-service "$1" status 2>&1 </dev/null)
    printf '\001status %s\n%s\n' $? "$hp_said"; fi
}
"""
_CHANGE = TOOLS + STEP + r"""
hp_name=$1 hp_level=$2 hp_actions=$3; shift 3
for hp_action in $hp_actions; do
  case $hp_action in
    add|delete) hp_step "$hp_action" rc-update "$hp_action" "$hp_name" "$hp_level";;
    *) hp_step "$hp_action" rc-service "$hp_name" "$hp_action" "$@";;
  esac || exit 0
done
"""  # fmt: skip


def decided(args: Mapping[str, Any], output: bytes) -> Steps:
    """What is to be done about a service of which LOOK said ``output``, and the doing of it."""
    name, state, enabled, level = args["name"], args["state"], args["enabled"], args["runlevel"]
    parts = {head.split(" ")[0]: (head, body) for head, body in sections(output)}
    if "script" not in parts:
        raise missing(name)
    if "levels" not in parts or (state and "status" not in parts):
        raise unreadable()
    actions = []
    if enabled is not None and enabled != (level in _levels(name, parts["levels"][1])):
        actions.append("add" if enabled else "delete")
    if state:
        actions += _run_actions(state, parts["status"][1])
    result: Result = {"name": name, "changed": bool(actions)}
    if enabled is not None:
        result["enabled"] = enabled
    if state:
        result["state"] = "stopped" if state == "stopped" else "started"
    if not actions:
        return result
    words = words_of(args["arguments"])
    reply = yield from change(_CHANGE, name, level, " ".join(actions), *words, foretells=result)
    what, code, out, err = steps_of(require(reply, name).stdout)[-1]
    if code:
        raise ModuleFailed(f"Failed to {what} service {name}: {(err or out).strip()}", rc=code)
    return result


def _levels(name: str, table: str) -> list[str]:
    """``rc-update show`` prints `` name | level level``."""
    for line in table.splitlines():
        service, bar, levels = line.partition("|")
        if bar and service.strip() == name:
            return levels.split()
    return []


def _run_actions(state: str, said: str) -> list[str]:
    up, crashed = "started" in said, "crashed" in said
    if state == "stopped":
        return ["stop"] if up or crashed else []
    if state == "restarted":
        return ["restart"]
    if up:
        return ["reload"] if state == "reloaded" else []
    return ["zap", "start"] if crashed else ["start"]
