"""setup, gather_facts: the host's facts are known.

Parameters:
    gather_subset: no effect: all is gathered in one round trip, and all of it is cheap
    gather_timeout: no effect: nothing that is read can hang
    filter: only facts whose names these patterns match
    fact_path: no effect: local facts are read from /etc/ansible/facts.d
    parallel: no effect: there is one program to run
Returns: ``ansible_facts``
Needs: sh; a fact that no tool of the host tells is left out.
Source: ansible.builtin.setup and gather_facts of ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Steps, query, require
from hostpool.tasks.modules.facts import chosen, facts_of
from hostpool.tasks.modules.facts_program import PROGRAM
from hostpool.tasks.modules.spec import Param, Spec


def setup(args: Mapping[str, Any], mode: Mode) -> Steps:
    reply = yield from query(PROGRAM)
    facts = facts_of(require(reply, "the facts could not be gathered").stdout)
    return {"changed": False, "ansible_facts": chosen(facts, args["filter"])}


_SPEC = {
    "gather_subset": Param("list", ("all",)), "gather_timeout": Param("int", 10),
    "filter": Param("list", ()), "fact_path": Param("path", "/etc/ansible/facts.d"),
}  # fmt: skip
MODULES = {
    "setup": Module(Spec("setup", _SPEC), setup),
    "gather_facts": Module(Spec("gather_facts", {**_SPEC, "parallel": Param("bool")}), setup),
}
