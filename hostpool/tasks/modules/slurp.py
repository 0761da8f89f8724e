"""slurp: a file's content, in base64. Changes nothing.

Parameters:
    src: the file
Returns: ``content``, ``encoding`` (base64), ``source``
Needs: head
Differs: files of up to 16 MiB; fetch brings larger ones
Source: ansible.builtin.slurp of ansible-core 2.19
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, query, require
from hostpool.tasks.modules.editing import LARGEST
from hostpool.tasks.modules.spec import Param, Spec

_READ = rf"""
[ -e "$1" ] || exit 21
[ ! -d "$1" ] || exit 22
[ -r "$1" ] || exit 23
exec head -c {LARGEST + 1} < "$1"
"""
_WHY = {
    21: "File not found: ", 22: "Source is a directory and must be a file: ", 23: "File is not readable: "
}  # fmt: skip


def slurp(args: Mapping[str, Any], mode: Mode) -> Steps:
    source = args["src"]
    reply = yield from query(_READ, source, most=LARGEST)
    if reply.exit_code in _WHY:
        raise ModuleFailed(_WHY[reply.exit_code] + source)
    content = require(reply, f"{source} cannot be read").stdout
    if len(content) > LARGEST:
        raise ModuleFailed(f"{source} is larger than 16 MiB: fetch brings such files")
    return {
        "changed": False, "content": base64.b64encode(content).decode(), "encoding": "base64",
        "source": source,
    }  # fmt: skip


MODULES = {
    "slurp": Module(Spec("slurp", {"src": Param("path", required=True, aliases=("path",))}), slurp)
}  # fmt: skip
