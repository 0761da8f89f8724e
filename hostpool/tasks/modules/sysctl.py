"""sysctl: a kernel parameter stands in a file of sysctl.conf(5), and holds now.

Parameters:
    name: the parameter
    value: its value; yes and no become 1 and 0
    state: present or absent in the file
    sysctl_file: the file
    reload: load the whole file after a change of it, or where the kernel has another value
    sysctl_set: set it with sysctl -w where the kernel has another value
    ignoreerrors: parameters the kernel does not know are no failure
Returns: nothing beside changed
Needs: Linux, sysctl(8).
Differs: only the lines of this parameter are touched (theirs writes the others anew without spaces); the
diff of the file is shown.
Tested with: procps 4.0, on parameters that a machine of the tests has for itself.
Source: ansible.posix.sysctl 2.1, man pages sysctl(8), sysctl.conf(5)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import RunReply
from hostpool.tasks.modules.alongside import look_and, write_and
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, text
from hostpool.tasks.modules.editing import lines_of
from hostpool.tasks.modules.paths import Attributes
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write

_NOW = (
    TOOLS
    + r"""
command -v sysctl >/dev/null 2>&1 || { echo "sysctl is not on the host: install procps" >&2; exit 1; }
hp_now=$(sysctl -e -n -- "$1" 2>/dev/null) && printf '\001%s\n' "$hp_now"
exit 0
"""
)
_SET = (
    TOOLS
    + r"""
hp_set_to=$1 hp_load=$2 hp_unknown=$3; shift 3
if [ -n "$hp_set_to" ]; then
  hp_said=$(sysctl $hp_unknown -w -- "$hp_set_to" 2>&1) || { printf '%s\n' "$hp_said" >&2; exit 3; }
  case $hp_said in *'": Invalid argument'*|*'": Read-only file system'*)
    printf '%s\n' "$hp_said" >&2; exit 3;; esac
fi
"""
)
_LOAD = r"""
if [ -n "$hp_load" ]; then
  hp_said=$(sysctl $hp_unknown -p "$hp_load" 2>&1) || { printf '%s\n' "$hp_said" >&2; exit 4; }
  case $hp_said in *'": Invalid argument'*|*'": Read-only file system'*)
    printf '%s\n' "$hp_said" >&2; exit 4;; esac
fi
"""
_TRUE = ("y", "yes", "on", "1", "true", "t")
_FALSE = ("n", "no", "off", "0", "false", "f")


def sysctl(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, value, present = _asked(args)
    found, more = yield from look_and(args["sysctl_file"], _NOW, name)
    now = more[1:].rstrip("\n") if more.startswith("\x01") else None
    after, stands = with_value(found.text, name, value if present else None)
    holds = now is not None and now.split() == value.split()
    write_it = stands != value if present else bool(stands)
    set_it = present and args["sysctl_set"] and not holds
    load_it = args["reload"] and (write_it or set_it or (stands == value and not holds))
    result: Result = {"changed": bool(write_it or set_it or load_it)}
    if not result["changed"]:
        return result
    setting = f"{name}={value}" if set_it and now is not None else ""
    words = (setting, found.path if load_it else "", "-e" if args["ignoreerrors"] else "")
    if write_it:
        content = after.encode("utf-8", "surrogateescape")
        result.update(text_diff(found.path, found.content, content, mode))
        writing = write(found.path, found.info, Content.of(content), Attributes(), {}, result)
        request = write_and(writing, _SET, _LOAD, *words)
    else:
        request = change(_SET + _LOAD, *words, foretells=result)
    reply: RunReply = yield from request
    if reply.exit_code:
        said = text(reply.stderr).strip()
        what = {3: f"setting {name} failed", 4: "Failed to reload sysctl"}
        raise ModuleFailed(f"{what.get(reply.exit_code, args['sysctl_file'])}: {said}")
    return result


def _asked(args: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Name, value and whether it is to be there. Raises ModuleFailed."""
    name, value = args["name"].strip(), (args["value"] or "").strip()
    present = args["state"] == "present"
    if not name or name.startswith("-") or re.search(r"[\s=#;]", name):
        raise ModuleFailed(f"{name!r} cannot be the name of a parameter")
    if present and not value:
        raise ModuleFailed("value cannot be blank")
    if "\n" in value:
        raise ModuleFailed("value has a line break, and a line of the file has none")
    low = value.lower()
    return name, "1" if low in _TRUE else "0" if low in _FALSE else value, present


def with_value(content: str, name: str, value: str | None) -> tuple[str, str | None]:
    """The content with this value (None: without any) once, and the value that stood last."""
    out, stands, done = [], None, False
    for line in lines_of(content):
        key, equals, old = line.strip().partition("=")
        if not equals or key.startswith(("#", ";")) or key.strip() != name:
            out.append(line)
            continue
        stands = old.strip()
        if value is not None and not done:
            out.append(f"{name}={value}\n")
            done = True
    if value is not None and not done:
        if out and not out[-1].endswith("\n"):
            out[-1] += "\n"
        out.append(f"{name}={value}\n")
    return "".join(out), stands


MODULES = {
    "sysctl": Module(
        Spec(
            "sysctl",
            {
                "name": Param(required=True, aliases=("key",)),
                "value": Param(aliases=("val",)),
                "state": Param(default="present", choices=("present", "absent")),
                "sysctl_file": Param("path", "/etc/sysctl.conf"),
                "reload": Param("bool", True),
                "sysctl_set": Param("bool", False),
                "ignoreerrors": Param("bool", False),
            },
        ),
        sysctl,
    )
}
