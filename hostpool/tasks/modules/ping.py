"""ping: the host answers.

Parameters:
    data: what comes back as ``ping``; crash fails, as with the peer
Returns: ``ping``
Needs: sh.
Source: ansible.builtin.ping of ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, query, require
from hostpool.tasks.modules.spec import Param, Spec


def ping(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["data"] == "crash":
        raise ModuleFailed("boom")
    require((yield from query(":\n")), "ping")
    return {"changed": False, "ping": args["data"]}


MODULES = {"ping": Module(Spec("ping", {"data": Param(default="pong")}), ping)}
