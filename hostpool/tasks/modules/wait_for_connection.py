"""wait_for_connection: the host can be logged in to and runs a command.

Parameters:
    delay: seconds to wait first
    timeout: seconds after which it fails
    sleep: seconds between two tries
    connect_timeout: seconds that one try is taken to have cost
Returns: ``elapsed``
Needs: sh.
Source: ansible.builtin.wait_for_connection of ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.errors import Lost, Unreachable
from hostpool.tasks.base import Sleep
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, query
from hostpool.tasks.modules.spec import Param, Spec


def wait_for_connection(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["delay"]:
        yield from Sleep(seconds=float(args["delay"]))
    spent = 0.0
    while True:
        try:
            reply = yield from query(":\n")
            if reply.exit_code == 0:
                return {"changed": False, "elapsed": int(spent)}
            reason = f"exit status {reply.exit_code}"
        except (Unreachable, Lost) as error:
            reason = error.message
        if spent >= args["timeout"]:
            raise ModuleFailed(f"timed out waiting for ping module test: {reason}", elapsed=int(spent))
        pause = float(args["sleep"]) or 0.2
        yield from Sleep(seconds=pause)
        spent += pause + (args["connect_timeout"] if "time" in reason else 0)


MODULES = {
    "wait_for_connection": Module(
        Spec(
            "wait_for_connection",
            {
                "delay": Param("int", 0), "timeout": Param("int", 600), "sleep": Param("int", 1),
                "connect_timeout": Param("int", 5),
            },
        ),
        wait_for_connection,
    )
}  # fmt: skip
