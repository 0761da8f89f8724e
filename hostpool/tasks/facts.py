"""What a host says about itself, by the names playbooks use."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.tasks.base import Effect, Outcome, Request, Run
from hostpool.tasks.modules.facts import chosen, facts_of
from hostpool.tasks.modules.facts_program import PROGRAM


class Facts(msgspec.Struct, frozen=True):
    """``{"ansible_facts": {"ansible_distribution": …}}`` in the result, of facts whose names ``patterns``
    match (with or without ``ansible_``; none: all of them)."""

    patterns: Sequence[str] = ()

    @property
    def name(self) -> str:
        return " ".join(("facts", *self.patterns))

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        reply = yield from Run(effect=Effect.QUERY, program=PROGRAM, live=False)
        if reply.exit_code != 0 or b"\1" not in reply.stdout:
            error = ErrorInfo("no_facts", "the facts could not be gathered", "it takes a POSIX shell there")
            return Outcome(status="failed", reply=reply, error=error)
        facts = chosen(facts_of(reply.stdout), self.patterns)
        return Outcome(status="ok", changed=False, result={"ansible_facts": facts})
