"""pause: some time passes, for the host's sake; nothing is asked of it.

Parameters:
    seconds: how long
    prompt: what the runner shows meanwhile
Returns: ``stdout``, ``rc``, ``echo``
Needs: nothing.
Source: ansible.builtin.pause of ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import Sleep
from hostpool.tasks.modules.base import Mode, Module, Steps
from hostpool.tasks.modules.spec import Param, Spec


def pause(args: Mapping[str, Any], mode: Mode) -> Steps:
    yield from Sleep(seconds=args["seconds"])
    word = f"Paused for {args['seconds']:g} seconds"
    return {"changed": False, "rc": 0, "stdout": word, "stderr": "", "echo": True}


MODULES = {"pause": Module(Spec("pause", {"seconds": Param("float", 0.0), "prompt": Param()}), pause)}
