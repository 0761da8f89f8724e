"""setup (gather_facts): the host's facts, by one sh program in one round trip.

Parameters: ``gather_subset``, ``filter``, ``gather_timeout``, ``fact_path`` (accepted: all that is
gathered is cheap). Returns ``ansible_facts`` by the names playbooks read. Needs POSIX sh; each fact
that no tool of the host tells is left out. Source: the documentation of ansible.builtin.setup.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Steps, query, require
from hostpool.tasks.modules.facts import facts_of
from hostpool.tasks.modules.facts_program import PROGRAM
from hostpool.tasks.modules.spec import Param, Spec


def setup(args: Mapping[str, Any], mode: Mode) -> Steps:
    reply = yield from query(PROGRAM)
    facts = facts_of(require(reply, "the facts could not be gathered").stdout)
    patterns = [pattern for pattern in args["filter"] if pattern]
    if patterns:
        facts = {
            name: value
            for name, value in facts.items()
            if any(fnmatchcase(name, p) or fnmatchcase(f"ansible_{name}", p) for p in patterns)
        }
    return {"changed": False, "ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}}


_SPEC = {
    "gather_subset": Param("list", ("all",)), "gather_timeout": Param("int", 10),
    "filter": Param("list", ()), "fact_path": Param("path", "/etc/ansible/facts.d"),
}  # fmt: skip
MODULES = {
    "setup": Module(Spec("setup", _SPEC), setup),
    "gather_facts": Module(Spec("gather_facts", {**_SPEC, "parallel": Param("bool")}), setup),
}
