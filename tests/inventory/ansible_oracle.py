"""Run inside the oracle's virtual environment: answers requests, one JSON line each, as Ansible does.

``{"argv": [...]}`` runs ansible-inventory with these arguments; ``{"sources": [...], "patterns": [...],
"limit": ...}`` selects hosts. An answer is ``{"out": ...}`` or ``{"error": ...}``.
"""

# Ansible lives in the oracle's own environment, unknown to the type checker.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

from ansible import context  # noqa: E402
from ansible.cli.inventory import InventoryCLI  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.parsing.vault import VaultSecretsContext  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.utils import context_objects  # noqa: E402


def inventory_command(argv: list[str]) -> str:
    # The arguments are a singleton of the process; each request is a process of its own to them.
    context_objects.GlobalCLIArgs._Singleton__instance = None
    context.CLIARGS = context_objects.CLIArgs({})
    VaultSecretsContext._current = None
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        InventoryCLI(["ansible-inventory", *argv]).run()
    return out.getvalue()


def selections(sources: list[str], patterns: list[str], limit: str | None) -> list[list[str] | str]:
    manager = InventoryManager(DataLoader(), sources)
    found: list[list[str] | str] = []
    for pattern in patterns:
        manager.subset(limit)
        try:
            found.append([host.name for host in manager.get_hosts(pattern)])
        except Exception as error:
            found.append(str(error))
    return found


def answer(request: dict[str, Any]) -> object:
    if "argv" in request:
        return inventory_command(request["argv"])
    return selections(request["sources"], request["patterns"], request.get("limit"))


def main() -> None:
    loaded = False
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if "argv" not in request and not loaded:
                init_plugin_loader()
                loaded = True
            reply = {"out": answer(request)}
        except BaseException as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


main()
