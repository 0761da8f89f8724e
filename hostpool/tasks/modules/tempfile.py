"""tempfile: a new file or directory with a name of its own, for its owner alone.

Parameters:
    state: what is made
    path: the directory it is made in (default: TMPDIR of the host, or /tmp)
    prefix: how its name begins
    suffix: how its name ends
Returns: ``path``, ``state``, ``mode``, ``owner``, ``group``, ``uid``, ``gid``, ``size``
Needs: mkdir, stat
Source: ansible.builtin.tempfile of ansible-core 2.19
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, change, require
from hostpool.tasks.modules.paths import INFO, take
from hostpool.tasks.modules.spec import Param, Spec

_LETTERS = string.ascii_lowercase + string.digits + "_"
_MAKE = INFO + r"""
umask 077; set -C
d=${1:-${TMPDIR:-/tmp}}; d=${d%/}
p=$d/$2
if [ "$3" = directory ]; then mkdir -- "$p"; else : > "$p"; fi || exit
printf '%s\n\001end\n' "$p"; hp_info "$p" "" ""
"""  # fmt: skip


def tempfile(args: Mapping[str, Any], mode: Mode) -> Steps:
    for part in ("prefix", "suffix"):
        if "/" in args[part]:
            raise ModuleFailed(f"{part} must be a valid file name component, got {args[part]!r}")
    own = "".join(secrets.choice(_LETTERS) for _ in range(8))
    reply = yield from change(
        _MAKE, args["path"] or "", f"{args['prefix']}{own}{args['suffix']}", args["state"],
        foretells={"changed": True},
    )  # fmt: skip
    name, _, rest = require(reply, "nothing temporary could be made").stdout.partition(b"\n\x01end\n")
    path = name.decode("utf-8", "surrogateescape")
    return {**take(rest)[0].keys(path), "changed": True}


MODULES = {
    "tempfile": Module(
        Spec(
            "tempfile",
            {
                "state": Param(default="file", choices=("file", "directory")), "path": Param("path"),
                "prefix": Param(default="ansible."), "suffix": Param(default=""),
            },
        ),
        tempfile,
    )
}  # fmt: skip
