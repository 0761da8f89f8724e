"""One call of the program: which command it is, and what an error becomes.

A command's module is imported when it is run, so that start-up pays for one only; the command line
library only for help, completion, and what is wrong with the line before a command is known.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

from hostpool import exit_codes
from hostpool.errors import HostpoolError

PROGRAM = "hostpool"
COMPLETE_VARIABLE = "_HOSTPOOL_COMPLETE"

COMMANDS = {
    "run": ("hostpool.cli.run", "Run a command on many hosts"),
    "script": ("hostpool.cli.script", "Copy a script to many hosts, run it, remove it"),
    "put": ("hostpool.cli.put", "Copy files and directories to many hosts"),
    "get": ("hostpool.cli.get", "Copy files and directories from many hosts"),
    "sync": ("hostpool.cli.sync", "Make a directory on many hosts equal to one here"),
    "play": ("hostpool.cli.play", "Run YAML playbooks, in Ansible's words"),
    "ping": ("hostpool.cli.ping", "Log in to hosts and tell which ones answer"),
    "facts": ("hostpool.cli.facts", "Ask hosts what they are: system, hardware, addresses"),
    "reboot": ("hostpool.cli.reboot", "Reboot hosts and wait until they are back"),
    "keys": ("hostpool.cli.keys", "One table of unknown host keys, confirmed once"),
    "inventory": ("hostpool.cli.inventory", "List, draw, show or check the inventory"),
    "history": ("hostpool.cli.history", "List the runs that took place"),
    "show": ("hostpool.cli.show", "Show a run of the history, or compare two"),
    "rerun": ("hostpool.cli.rerun", "Do again what a run did, on the hosts that need it"),
    "cron": ("hostpool.cli.cron", "List cron jobs; make lines for crontab"),
    "modules": ("hostpool.cli.modules", "List the modules of playbooks; one module's page"),
    "demo": ("hostpool.cli.demo", "Try all this on a fleet of pretended hosts"),
}
"""Name → module with a SPEC (a group of commands: with a ``command()``), and one line for the help."""


def main(argv: Sequence[str]) -> int:
    """One call of the program, without its name; returns its exit code.

    Raises only what is a bug (the caller writes a report), errors of the output streams and
    KeyboardInterrupt.
    """
    if COMPLETE_VARIABLE in os.environ:
        from hostpool.cli.root import complete

        return complete()
    try:
        return _run(argv)
    except HostpoolError as error:
        from hostpool.cli.report import print_error

        print_error(error)
        return exit_codes.of_error(error)


def _run(argv: Sequence[str]) -> int:
    if argv and argv[0] in COMMANDS:
        module: Any = importlib.import_module(COMMANDS[argv[0]][0])
        spec = getattr(module, "SPEC", None)
        if spec is not None:
            from hostpool.cli.spec import execute, wants_help

            parts = spec.split(argv[1:])
            if not wants_help(parts):
                return execute(spec, parts)
    from hostpool.cli.root import invoke

    return invoke(argv)
