"""selinux: SELinux is enforcing, permissive or disabled, by a policy.

Parameters:
    state: the mode
    policy: the policy, as targeted; needed unless the state is disabled
    configfile: what is read at boot
    update_kernel_param: selinux=0 is put on or taken off the kernel's command line too
Returns: ``msg``, ``configfile``, ``policy``, ``state``, ``reboot_required``
Needs: getenforce(8), setenforce(8), sestatus(8); grubby(8) for update_kernel_param.
Differs: what cannot change before a boot is said in ``msg``; it is a change only where a file changes.
Tested with: recorded replies.
Source: ansible.posix.selinux 2.1, man pages selinux(8), selinux_config(5), setenforce(8), grubby(8)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.alongside import look_and, write_and
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, require, sections
from hostpool.tasks.modules.editing import lines_of
from hostpool.tasks.modules.paths import Attributes
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write

_LOOK = (
    TOOLS
    + r"""
printf '\001mode\n'; getenforce 2>/dev/null || echo Disabled
printf '\001loaded\n'; sestatus 2>/dev/null | sed -n 's/^Loaded policy name: *//p'
[ ! -d "/etc/selinux/$1/policy" ] || printf '\001policy\n'
if [ -n "$2" ]; then
  command -v grubby >/dev/null 2>&1 || { echo "'grubby' command not found on host" >&2; exit 1; }
  printf '\001kernel\n'; grubby --info=ALL | sed -n 's/^args=//p'
fi
exit 0
"""
)
_CHANGE = (
    TOOLS
    + r"""
hp_enforce=$1 hp_kernel=$2; shift 2
[ -z "$hp_enforce" ] || setenforce "$hp_enforce" || exit
[ -z "$hp_kernel" ] || grubby --update-kernel=ALL "--$hp_kernel=selinux=0" >&2 || exit
"""
)


def selinux(args: Mapping[str, Any], mode: Mode) -> Steps:
    state, wants_kernel = args["state"], args["update_kernel_param"]
    if state != "disabled" and not args["policy"]:
        raise ModuleFailed("Policy is required if state is not 'disabled'")
    words = (args["policy"] or "", "kernel" if wants_kernel else "")
    found, more = yield from look_and(args["configfile"], _LOOK, *words)
    if not found.info.exists:
        raise ModuleFailed(f"Unable to find file {args['configfile']}: install the policy first")
    parts = {head: body.strip() for head, body in sections(more)}
    runs = parts.get("mode", "Disabled").lower()
    policy = args["policy"] or _value(found.text, "SELINUXTYPE") or ""
    messages, after = [], found.text
    if policy != _value(found.text, "SELINUXTYPE") and policy:
        if "policy" not in parts:
            raise ModuleFailed(f"Policy {policy} does not exist in /etc/selinux/")
        messages.append(f"SELinux policy configuration in '{found.path}' changed to '{policy}'")
        after = _with(after, "SELINUXTYPE", policy)
    if state != _value(found.text, "SELINUX"):
        messages.append(f"Config SELinux state changed to '{state}'")
        after = _with(after, "SELINUX", state)
    enforce = _enforce(state, runs)
    if enforce:
        messages.append(
            f"SELinux state changed from '{runs}' to '{'enforcing' if enforce == '1' else 'permissive'}'"
        )
    kernel = _kernel(state, parts["kernel"]) if "kernel" in parts else ""
    if kernel:
        messages.append(f"kernel parameter selinux=0: {kernel}")
    other_policy = runs != "disabled" and parts.get("loaded") not in (None, "", policy)
    reboot = (runs == "disabled") is not (state == "disabled") or other_policy
    if reboot:
        messages.append("it takes effect at the next boot")
    changed = after != found.text or bool(enforce or kernel)
    result: Result = {
        "changed": changed, "msg": ", ".join(messages), "configfile": args["configfile"], "policy": policy,
        "state": state, "reboot_required": reboot,
    }  # fmt: skip
    if not changed:
        return result
    if after == found.text:
        reply = yield from change(_CHANGE, enforce, kernel, foretells=result)
    else:
        content = after.encode("utf-8", "surrogateescape")
        result.update(text_diff(found.path, found.content, content, mode))
        writing = write(found.path, found.info, Content.of(content), Attributes(), {}, result)
        reply = yield from write_and(writing, _CHANGE, "", enforce, kernel)
    require(reply, f"SELinux could not become {state}")
    return result


def _enforce(state: str, runs: str) -> str:
    """What setenforce is to be told: disabled is permissive until the next boot."""
    if runs == "disabled" or state == runs or (state == "disabled" and runs == "permissive"):
        return ""
    return "1" if state == "enforcing" else "0"


def _kernel(state: str, lines: str) -> str:
    off = ["selinux=0" in line.strip('"').split() for line in lines.splitlines()]
    if state == "disabled":
        return "" if off and all(off) else "args"
    return "remove-args" if any(off) else ""


def _value(text: str, key: str) -> str | None:
    found = re.search(rf"^{key}=(\S*)", text, re.MULTILINE)
    return found[1] if found else None


def _with(text: str, key: str, value: str) -> str:
    lines = lines_of(text)
    out = [f"{key}={value}\n" if line.startswith(f"{key}=") else line for line in lines]
    return "".join(out) if out != lines else text + f"{key}={value}\n"


MODULES = {
    "selinux": Module(
        Spec(
            "selinux",
            {
                "state": Param(required=True, choices=("enforcing", "permissive", "disabled")),
                "policy": Param(),
                "configfile": Param("path", "/etc/selinux/config", aliases=("conf", "file")),
                "update_kernel_param": Param("bool", False),
            },
        ),
        selinux,
    )
}
