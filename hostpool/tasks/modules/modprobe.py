"""modprobe: a kernel module is loaded or not, now and, if wanted, after each boot.

Parameters:
    name: the module
    state: present or absent now
    params: its parameters, name=value with spaces between
    persistent: present, it is loaded at boot with these parameters; absent, not by files of /etc; disabled,
        that stays as it is
Returns: ``name``, ``params``, ``state``
Needs: Linux, modprobe(8); for persistent systemd, which reads /etc/modules-load.d.
Differs: a name has only letters, digits, _ and -.
Tested with: recorded replies, since the tests' machines share one kernel.
Source: community.general.modprobe 11.3, man pages modprobe(8), modules-load.d(5), modprobe.d(5)
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
    text,
)
from hostpool.tasks.modules.services import TOOLS, words_of
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = (
    TOOLS
    + r"""
command -v modprobe >/dev/null 2>&1 || { echo "modprobe is not on the host: install kmod" >&2; exit 1; }
hp_under=$(printf '%s' "$1" | tr - _)
if grep -q "^$hp_under " /proc/modules 2>/dev/null ||
  grep -q "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null; then printf '\001loaded\n'; fi
printf '\001loads\n'; cat /etc/modules-load.d/* 2>/dev/null
printf '\001options\n'; cat /etc/modprobe.d/* 2>/dev/null
exit 0
"""
)
_CHANGE = (
    TOOLS
    + r"""
hp_name=$1 hp_do=$2 hp_keep=$3; shift 3
hp_put() { # file, its line(s)
  printf '%s\n' "$2" > "$1.hostpool.$$" && mv -f -- "$1.hostpool.$$" "$1"
}
hp_out() { # a pattern of sed; files: such lines become comments
  hp_pattern=$1; shift
  for hp_file; do
    [ -f "$hp_file" ] && grep -q "$hp_pattern" "$hp_file" || continue
    cp -p -- "$hp_file" "$hp_file.hostpool.$$" &&
      sed "s/$hp_pattern/#&/" "$hp_file" > "$hp_file.hostpool.$$" &&
      mv -f -- "$hp_file.hostpool.$$" "$hp_file" || return
  done
}
hp_options=$(for hp_each; do printf 'options %s %s\n' "$hp_name" "$hp_each"; done)
for hp_action in $hp_do; do
  case $hp_action in
    load) modprobe "$hp_name" "$@";;
    unload) modprobe -r "$hp_name";;
    keep) hp_put "/etc/modules-load.d/$hp_name.conf" "$hp_name";;
    forget) hp_out "^ *$hp_name *\([#;].*\)*\$" /etc/modules-load.d/*;;
    options)
      hp_out "^options $hp_name [A-Za-z0-9_]*=" /etc/modprobe.d/* || exit
      [ -z "$hp_keep" ] || [ -z "$hp_options" ] || hp_put "/etc/modprobe.d/$hp_name.conf" "$hp_options";;
  esac || exit
done
"""
)


def modprobe(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, params = args["name"], words_of(args["params"])
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise ModuleFailed(f"{name!r} cannot be the name of a kernel module")
    if any(not re.fullmatch(r"\w+=\S+", each) for each in params):
        raise ModuleFailed(f"params must be name=value with spaces between, not {args['params']!r}")
    reply = yield from query(_LOOK, name)
    parts = dict(sections(require(reply, name).stdout))
    actions = _actions(args, params, parts)
    result: Result = {
        "changed": bool(actions),
        "name": name,
        "params": args["params"],
        "state": args["state"],
    }
    if not actions:
        return result
    keep = "yes" if args["persistent"] == "present" else ""
    reply = yield from change(_CHANGE, name, " ".join(actions), keep, *params, foretells=result)
    if reply.exit_code:
        said = text(reply.stderr).strip()
        raise ModuleFailed(said or f"modprobe {name} failed", name=name, rc=reply.exit_code, stderr=said)
    return result


def _actions(args: Mapping[str, Any], params: list[str], parts: Mapping[str, str]) -> list[str]:
    name, loaded = re.escape(args["name"]), "loaded" in parts
    actions = []
    if loaded != (args["state"] == "present"):
        actions.append("unload" if loaded else "load")
    kept = re.search(rf"^ *{name} *(?:[#;].*)?$", parts.get("loads", ""), re.MULTILINE) is not None
    options = re.findall(rf"^options {name} (\w+=\S+) *(?:[#;].*)?$", parts.get("options", ""), re.MULTILINE)
    if args["persistent"] == "present":
        actions += [] if kept else ["keep"]
        actions += [] if set(options) == set(params) else ["options"]
    elif args["persistent"] == "absent":
        actions += ["forget"] if kept else []
        actions += ["options"] if options else []
    return actions


MODULES = {
    "modprobe": Module(
        Spec(
            "modprobe",
            {
                "name": Param(required=True),
                "state": Param(default="present", choices=("absent", "present")),
                "params": Param(default=""),
                "persistent": Param(default="disabled", choices=("disabled", "absent", "present")),
            },
        ),
        modprobe,
    )
}
