"""A password is tried on one host first and given up after three refusals (account lock-outs).

A gate is one credential (its key says which). While it is unproven one job at a time passes; a
success opens it for all, the third refusal shuts it: what waits then is not tried at all.
"""

from __future__ import annotations

from collections import deque

import msgspec

from hostpool.pool.jobs import Ticket

REFUSALS = 3


class _Gate(msgspec.Struct):
    proven: bool = False
    refusals: int = 0
    trying: bool = False
    waiting: deque[Ticket] = msgspec.field(default_factory=deque)


class Gates:
    def __init__(self) -> None:
        self._gates: dict[str, _Gate] = {}

    def shut(self, key: str) -> bool:
        """Whether this credential was refused too often."""
        gate = self._gates.get(key)
        return gate is not None and not gate.proven and gate.refusals >= REFUSALS

    def enter(self, ticket: Ticket, key: str) -> bool:
        """Whether the job may go now; otherwise it is kept until the one that tries is back."""
        gate = self._gates.setdefault(key, _Gate())
        if gate.proven:
            return True
        if gate.trying:
            gate.waiting.append(ticket)
            return False
        gate.trying = True
        ticket.gate = key
        return True

    def leave(self, ticket: Ticket, verdict: bool | None) -> list[Ticket]:
        """The job that tried is back: accepted (True), refused (False) or neither was seen (None).

        Returns the jobs that come forward: all of them, or the next to try.
        """
        key, ticket.gate = ticket.gate, None
        if key is None:
            return []
        gate = self._gates[key]
        gate.trying = False
        if verdict is True:
            gate.proven = True
        elif verdict is False:
            gate.refusals += 1
        if gate.proven or gate.refusals >= REFUSALS:
            freed = list(gate.waiting)
            gate.waiting.clear()
            return freed
        return [gate.waiting.popleft()] if gate.waiting else []

    def drain(self) -> list[Ticket]:
        tickets: list[Ticket] = []
        for gate in self._gates.values():
            tickets.extend(gate.waiting)
            gate.waiting.clear()
        return tickets
