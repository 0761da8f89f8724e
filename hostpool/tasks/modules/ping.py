"""ping: the host answers. Parameter ``data`` comes back as ``ping``; ``crash`` fails, as there."""

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
