"""sysvinit: a service with an init script runs or not, starts at boot or not.

Parameters:
    name: the service, or the path of its init script
    state: started and stopped do nothing where it is so; restarted stops and starts; reloaded reloads, or
        starts what does not run
    enabled: whether it starts at boot
    runlevels: in these runlevels instead of those the script names
    sleep: seconds between stop and start of a restart
    pattern: it runs if this text is in the list of processes; for scripts that know no status
    arguments: further words for the script
    daemonize: the script becomes the leader of a session of its own
Returns: ``name``, ``status`` (``enabled`` and the state, each with ``changed``, ``rc``, ``stdout``,
``stderr``)
Needs: the init script; for enabled update-rc.d(8), chkconfig(8) or insserv(8).
Differs: a script that is not running is started by reloaded (theirs calls reload); a failed stop before
a start of a restart fails nothing; ``status`` has no entry named null.
Tested with: init scripts of Debian 12, service(8) and update-rc.d(8).
Source: ansible.builtin.sysvinit of ansible-core 2.19; Linux Standard Base 5.0, Init Script Actions
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
    sections,
)
from hostpool.tasks.modules.services import STEP, TOOLS, exit_status, missing, steps_of, unreadable, words_of
from hostpool.tasks.modules.spec import Param, Spec

LOOK = r"""
hp_sysv() { # name, pattern, whether the status is wanted
  case $1 in /*) hp_script=$1 hp_name=${1##*/};; *) hp_script=/etc/init.d/$1 hp_name=$1;; esac
  [ -e "$hp_script" ] || return 0
  printf '\001script %s\n' "$hp_script"
  for hp_tool in update-rc.d chkconfig insserv; do
    ! command -v $hp_tool >/dev/null 2>&1 || printf '\001tool %s\n' $hp_tool; done
  hp_rc=/etc; [ -d /etc/rc0.d ] || hp_rc=/etc/init.d
  for hp_link in "$hp_rc"/rc?.d/[SK]??"$hp_name"; do
    [ -e "$hp_link" ] || continue
    hp_level=${hp_link#"$hp_rc"/rc} hp_kind=${hp_link#*.d/}
    printf '\001link %s%.1s\n' "${hp_level%%.*}" "${hp_kind##*/}"; done
  [ -n "$3" ] || return 0
  if [ -n "$2" ]; then
    { ps auxww || ps -ef || ps; } 2>/dev/null | while IFS= read -r hp_line; do
      case $hp_line in *"$2"*) printf '\001runs\n'; break;; esac; done
    return 0
  fi
  if command -v service >/dev/null 2>&1 && [ "$hp_name" = "$1" ]; then
    hp_said=$(service "$1" status 2>&1 </dev/null); hp_rc=$?
  else hp_said=$("$hp_script" status 2>&1 </dev/null); hp_rc=$?
  fi
  printf '\001status %s\n%s\n' $hp_rc "$hp_said"
}
"""
_LOOK = TOOLS + LOOK + 'hp_sysv "$1" "$2" "$3"\n'
_CHANGE = TOOLS + STEP + r"""
hp_name=$1 hp_script=$2 hp_tool=$3 hp_levels=$4 hp_sleep=$5 hp_session=$6 hp_actions=$7; shift 7
hp_boot() { # enable or disable
  case $hp_tool:$1 in
    update-rc.d:defaults) update-rc.d "$hp_name" defaults;;
    update-rc.d:*) update-rc.d "$hp_name" "$1" $hp_levels;;
    chkconfig:enable) chkconfig --add "$hp_name" && chkconfig ${hp_levels:+--level} $hp_levels "$hp_name" on;;
    chkconfig:*) chkconfig ${hp_levels:+--level} $hp_levels "$hp_name" off;;
    insserv:enable) insserv "$hp_name";;
    insserv:*) insserv -r "$hp_name";;
  esac
}
hp_call() {
  if [ -n "$hp_session" ] && command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; fi; "$@"
}
for hp_action in $hp_actions; do
  case $hp_action in
    defaults|enable|disable) hp_step "$hp_action" hp_boot "$hp_action" || exit 0;;
    sleep) sleep "$hp_sleep";;
    *)
      if command -v service >/dev/null 2>&1 && [ "$hp_name" != "$hp_script" ]; then
        hp_step "$hp_action" hp_call service "$hp_name" "$hp_action" "$@"
      else hp_step "$hp_action" hp_call "$hp_script" "$hp_action" "$@"
      fi || [ "$hp_actions" != "${hp_actions#*stop sleep start}" ] || exit 0;;
  esac
done
"""  # fmt: skip


def sysvinit(args: Mapping[str, Any], mode: Mode) -> Steps:
    need_of(args)
    given = (args["name"], args["pattern"] or "", "status" if args["state"] else "")
    reply = yield from query(_LOOK, *given)
    result: Result = yield from decided(args, require(reply, args["name"]).stdout)
    return result


def need_of(args: Mapping[str, Any]) -> None:
    """Raises ModuleFailed where nothing is asked for, or of no service there can be."""
    if args["state"] is None and args["enabled"] is None:
        raise ModuleFailed("one of the following is required: state, enabled")
    if args["name"].startswith("-") or not args["name"]:
        raise ModuleFailed(f"{args['name']!r} cannot be the name of a service")


def decided(args: Mapping[str, Any], output: bytes, more: Result | None = None) -> Steps:
    """What is to be done about a script of which LOOK said ``output``, and the doing of it. ``more``: further
    keys of the result."""
    name, state, enabled = args["name"], args["state"], args["enabled"]
    levels = [str(level) for level in args.get("runlevels") or ()]
    parts = sections(output)
    said = [head for head, _ in parts]
    script = next((head.removeprefix("script ") for head in said if head.startswith("script ")), "")
    if not script:
        raise missing(name)
    links = {head.removeprefix("link ") for head in said if head.startswith("link ")}
    boot = _boot_actions(enabled, levels, links)
    tool = next((head.removeprefix("tool ") for head in said if head.startswith("tool ")), "")
    if boot and not tool:
        raise ModuleFailed(
            f"{name}: the host has no update-rc.d, chkconfig or insserv to say what starts at boot"
        )
    run = _run_actions(state, name, parts)
    result: Result = {"name": name, "changed": bool(boot or run), **(more or {})}
    result["status"] = {"enabled": _untold(bool(boot))}
    if levels:
        result["status"]["enabled"]["runlevels"] = levels
    if state:
        result["status"][state] = _untold(bool(run))
    if not boot and not run:
        return result
    if boot[:1] == ["enable"] and tool == "update-rc.d" and not any(link.endswith("K") for link in links):
        boot = ["defaults", *boot]
    actions = " ".join([*boot, *run])
    reply = yield from change(
        _CHANGE, name, script, tool, ("" if tool == "chkconfig" else " ").join(levels),
        str(args["sleep"] or 0), "session" if args.get("daemonize") else "", actions,
        *words_of(args["arguments"]), foretells=result,
    )  # fmt: skip
    _told(args, result, steps_of(require(reply, name).stdout))
    return result


def _untold(changed: bool) -> Result:
    return {"changed": changed, "rc": None, "stdout": None, "stderr": None}


def _boot_actions(enabled: bool | None, levels: list[str], links: set[str]) -> list[str]:
    if enabled is None:
        return []
    starts = {link[:-1] for link in links if link.endswith("S")}
    right = all((level in starts) == enabled for level in levels) if levels else bool(starts) == enabled
    return [] if right else ["enable" if enabled else "disable"]


def _run_actions(state: str | None, name: str, parts: list[tuple[str, str]]) -> list[str]:
    if state is None:
        return []
    up = runs(name, parts)
    if state == "restarted":
        return ["stop", "sleep", "start"]
    if state == "stopped":
        return ["stop"] if up else []
    if up:
        return ["reload"] if state == "reloaded" else []
    return ["start"]


def runs(name: str, parts: list[tuple[str, str]]) -> bool:
    """By the exit status of the script where that says no, else by its words if they are few, else by
    the exit status: scripts are not good at either."""
    found = next((part for part in parts if part[0].startswith("status ")), None)
    if found is None:
        return any(head == "runs" for head, _ in parts)
    code, said = exit_status(found[0].removeprefix("status ")), found[1].strip()
    if code in (1, 2, 3, 4, 69):
        return False
    words = said.lower().replace(name.lower(), "")
    if "\n" not in said:
        if any(word in words for word in ("stop", "is dead", "dead but", "could not access pid", "inactive")):
            return False
        if any(word in words for word in ("run", "start", "active")):
            return "not " not in words
    return code == 0 or (name == "iptables" and "ACCEPT" in said)


def _told(args: Mapping[str, Any], result: Result, steps: list[tuple[str, int, str, str]]) -> None:
    """What was said, into the result. Raises ModuleFailed for what went wrong."""
    for what, code, out, err in steps:
        boot = what in ("defaults", "enable", "disable")
        key = "enabled" if boot else args["state"]
        if key not in result["status"]:
            raise unreadable()
        result["status"][key].update(rc=code, stdout=out, stderr=err)
    what, code, out, err = steps[-1]
    if code:
        words = (err or out).strip()
        raise ModuleFailed(
            f"Failed to {what} service: {args['name']}{words and ': ' + words}",
            name=args["name"], rc=code, stdout=out, stderr=err,
        )  # fmt: skip


MODULES = {
    "sysvinit": Module(
        Spec(
            "sysvinit",
            {
                "name": Param(required=True, aliases=("service",)),
                "state": Param(choices=("started", "stopped", "restarted", "reloaded")),
                "enabled": Param("bool"),
                "runlevels": Param("list"),
                "sleep": Param("int", 1),
                "pattern": Param(),
                "arguments": Param(aliases=("args",)),
                "daemonize": Param("bool", False),
            },
        ),
        sysvinit,
    )
}
