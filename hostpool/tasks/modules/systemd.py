"""systemd, systemd_service: a unit runs or not, starts at boot or not, can be started at all or not.

Parameters:
    name: the unit; without a suffix a service
    state: started and stopped do nothing where it is so; restarted always restarts; reloaded reloads, or
        starts what does not run
    enabled: whether it starts at boot
    masked: whether it cannot be started at all
    daemon_reload: first make systemd read its unit files anew; this alone is no change
    daemon_reexec: first make systemd execute itself anew; this alone is no change
    force: symlinks in the way are replaced
    no_block: do not wait until the unit has started or stopped
    scope: the system's manager, the user's own, or the defaults of all users
Returns: ``name``, ``status`` (all properties of the unit as they were before), ``state``, ``enabled``
Needs: systemctl(1). Where systemd does not run (a container, a chroot), only enabled and masked.
Tested with: systemd 252 as process 1 of a throw-away machine.
Source: ansible.builtin.systemd_service of ansible-core 2.19, man page systemctl(1)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.base import Run
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
from hostpool.tasks.modules.services import STEP, TOOLS, exit_status, missing, steps_of
from hostpool.tasks.modules.spec import Param, Spec

LOOK = r"""
hp_offline() {
  [ "$SYSTEMD_OFFLINE" = 1 ] && return
  hp_root=$(stat -L -c %d:%i /proc/1/root/. 2>/dev/null) && [ "$(stat -c %d:%i /)" != "$hp_root" ]
}
hp_systemd() { # flags, actions on the manager, unit
  command -v systemctl >/dev/null 2>&1 || { echo "systemctl is not on the host" >&2; exit 1; }
  : "${XDG_RUNTIME_DIR:=/run/user/$(id -u)}"; export XDG_RUNTIME_DIR
  for hp_action in $2; do
    hp_said=$(systemctl $1 $hp_action 2>&1) && continue
    hp_rc=$?
    if hp_offline; then printf '\001warning\n%s: %s\n' "$hp_action" "$hp_said"
    else printf 'failure %s during %s: %s\n' $hp_rc "$hp_action" "$hp_said" >&2; exit 1
    fi
  done
  [ -n "$3" ] || return 0
  hp_said=$(systemctl $1 show -- "$3" 2>/dev/null)
  printf '\001show\n%s\n' "$hp_said"
  case $hp_said in
    *=*) ;;
    *) systemctl $1 list-unit-files -- "$3" >/dev/null 2>&1 && printf '\001listed\n'
       hp_offline && printf '\001offline\n' ;;
  esac
  hp_said=$(systemctl $1 is-enabled -l -- "$3" 2>/dev/null)
  printf '\001enabled %s\n%s\n' $? "$hp_said"
  [ ! -e "/etc/init.d/$3" ] || printf '\001script\n'
  for hp_link in /etc/rc?.d/S??"$3"; do [ ! -e "$hp_link" ] || { printf '\001links\n'; break; }; done
}
"""
_LOOK = TOOLS + LOOK + 'hp_systemd "$1" "$2" "$3"\n'
_CHANGE = TOOLS + STEP + r"""
: "${XDG_RUNTIME_DIR:=/run/user/$(id -u)}"; export XDG_RUNTIME_DIR
hp_flags=$1 hp_unit=$2; shift 2
for hp_action; do hp_step "$hp_action" systemctl $hp_flags "$hp_action" -- "$hp_unit" || exit 0; done
"""  # fmt: skip
_FILE_STATES = (
    "enabled", "enabled-runtime", "linked", "linked-runtime", "masked", "masked-runtime", "static",
    "indirect", "disabled", "generated", "transient",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Unit:
    """``status``: properties, none where systemd does not run. ``word``: what is-enabled said of it."""

    status: Mapping[str, str]
    word: str
    enabled: bool
    exists: bool
    offline: bool


def systemd(args: Mapping[str, Any], mode: Mode) -> Steps:
    name = args["name"]
    if name is None and any(args[key] is not None for key in ("state", "enabled", "masked")):
        raise ModuleFailed("state, enabled and masked need the name of a unit")
    if all(args[key] in (None, False) for key in _ONE_OF) and args["enabled"] is args["masked"] is None:
        raise ModuleFailed(f"one of the following is required: {', '.join(_ONE_OF)}")
    reply = yield from look(args, mode)
    return (yield from decided(args, require(reply, name or "systemd").stdout))


def look(args: Mapping[str, Any], mode: Mode) -> Run:
    """The first round trip; it changes something only where systemd is to read its files anew."""
    first = [verb for verb in ("daemon-reload", "daemon-reexec") if args[verb.replace("-", "_")]]
    name = args["name"] or ""
    if first and not mode.check:
        return change(_LOOK, _scope(args), " ".join(first), name, foretells={})
    return query(_LOOK, _scope(args), "", name)


def decided(args: Mapping[str, Any], output: bytes) -> Steps:
    """What is to be done about a unit of which LOOK said ``output``, and the doing of it."""
    name = args["name"]
    result: Result = {"name": name, "changed": False, "status": {}}
    parts = sections(output)
    failed = [body.strip() for head, body in parts if head == "warning"]
    warnings = [f"the host is offline, going on without {each}" for each in failed]
    if warnings:
        result["warnings"] = warnings
    if name is None:
        return result
    if any(letter in name for letter in "*?["):
        raise ModuleFailed(f"{name}: one unit by its whole name, patterns are not supported")
    unit = _unit(args, dict(parts))
    result["status"] = dict(unit.status)
    error = unit.status.get("LoadError")
    if error and unit.status.get("LoadState") not in ("not-found", "masked"):
        raise ModuleFailed(f"Error loading unit file '{name}': {error}")
    actions = [*_file_actions(args, unit, result), *_state_actions(args, unit, result)]
    if not actions:
        return result
    result["changed"] = True
    flags = " ".join([_scope(args), *(f"--{key.replace('_', '-')}" for key in _FLAGS if args[key])])
    reply = yield from change(_CHANGE, flags.strip(), name, *actions, foretells=result)
    what, code, out, err = steps_of(require(reply, name or "systemd").stdout)[-1]
    if code:
        if what in ("mask", "unmask") and not unit.exists:
            raise missing(name)
        raise ModuleFailed(f"Unable to {what} service {name}: {err or out}".strip())
    return result


_FLAGS = ("no_block", "force")


def _scope(args: Mapping[str, Any]) -> str:
    return "" if args["scope"] == "system" else f"--{args['scope']}"


def _unit(args: Mapping[str, Any], parts: Mapping[str, str]) -> _Unit:
    status = properties(parts.get("show", ""))
    head = next((head for head in parts if head.startswith("enabled ")), "enabled 1")
    code, word = exit_status(head.removeprefix("enabled ")), parts.get(head, "").strip()
    script = "script" in parts
    if status:
        known = status.get("LoadState", "not-found") != "not-found"
    else:
        known = word.partition("\n")[0] in _FILE_STATES or "listed" in parts
    if code == 0:
        enabled = word not in ("enabled-runtime", "indirect", "alias")
    else:
        by_links = args["scope"] == "system" and script and not word.endswith("disabled")
        enabled = code == 1 and by_links and "links" in parts
    return _Unit(status, word.partition("\n")[0], enabled, known or script, "offline" in parts)


def properties(text: str) -> dict[str, str]:
    """What ``systemctl show`` prints; only the values of Exec… may have several lines, within braces."""
    found: dict[str, str] = {}
    name, lines = "", list[str]()
    for line in text.splitlines():
        if name:
            lines.append(line)
        elif "=" in line:
            key, _, value = line.partition("=")
            if not (key.startswith("Exec") and value.lstrip().startswith("{")) or value.rstrip()[-1:] == "}":
                found[key] = value.strip()
                continue
            name, lines = key, [value]
        if name and line.rstrip().endswith("}"):
            found[name] = "\n".join(lines).strip()
            name = ""
    return found


def _file_actions(args: Mapping[str, Any], unit: _Unit, result: Result) -> list[str]:
    actions = []
    masked, enabled = unit.word == "masked", unit.enabled
    if args["masked"] is not None and args["masked"] != masked:
        actions.append("mask" if args["masked"] else "unmask")
    if args["enabled"] is not None:
        if not unit.exists:
            raise missing(args["name"])
        if actions == ["mask"]:
            enabled = False
        # What is behind a mask nobody knows before it is gone.
        if enabled != args["enabled"] or actions == ["unmask"]:
            actions.append("enable" if args["enabled"] else "disable")
        result["enabled"] = args["enabled"]
    return actions


def _state_actions(args: Mapping[str, Any], unit: _Unit, result: Result) -> list[str]:
    state = args["state"]
    if state is None:
        return []
    if not unit.exists:
        raise missing(args["name"])
    result["state"] = state
    active = unit.status.get("ActiveState")
    if active is None:
        if not unit.offline:
            raise ModuleFailed("Service is in unknown state", status=dict(unit.status))
        result.setdefault("warnings", []).append("systemd does not run here: no unit was started or stopped")
        return []
    runs = active in ("active", "activating")
    if state == "stopped":
        return ["stop"] if runs or active == "deactivating" else []
    if state == "started":
        return [] if runs else ["start"]
    result["state"] = "started"
    return [state.removesuffix("ed") if runs else "start"]


_ONE_OF = ("state", "enabled", "masked", "daemon_reload", "daemon_reexec")
_PARAMS = {
    "name": Param(aliases=("service", "unit")),
    "state": Param(choices=("reloaded", "restarted", "started", "stopped")),
    "enabled": Param("bool"),
    "force": Param("bool"),
    "masked": Param("bool"),
    "daemon_reload": Param("bool", False, aliases=("daemon-reload",)),
    "daemon_reexec": Param("bool", False, aliases=("daemon-reexec",)),
    "scope": Param(default="system", choices=("system", "user", "global")),
    "no_block": Param("bool", False),
}
MODULES = {name: Module(Spec(name, _PARAMS), systemd) for name in ("systemd", "systemd_service")}
