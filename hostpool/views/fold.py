"""Folds hosts that ended alike into one: ``web[1-40,42] (41)``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.inventory.ranges import fold as fold_names
from hostpool.results import GOOD, HostResult
from hostpool.views.reasons import Places, generalised, particular
from hostpool.views.spool import Slot, Spool


def names(hosts: Sequence[str]) -> str:
    """``web[1-40,42] (41)``; one host is just its name."""
    return hosts[0] if len(hosts) == 1 else f"{fold_names(hosts)} ({len(hosts)})"


class Group(msgspec.Struct):
    """Hosts with the same outcome and output. ``sample`` has the first one's fields, without texts."""

    sample: HostResult
    order: int
    stdout: Slot
    stderr: Slot
    hosts: list[tuple[int, str, Places]] = msgspec.field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.sample.status in GOOD

    def names(self) -> list[str]:
        """In inventory order."""
        return [host for _, host, _ in sorted(self.hosts)]

    def error(self) -> ErrorInfo | None:
        """The reason, naming all of the hosts where each one's named itself."""
        error = self.sample.error
        return error and particular(error, self.names(), [places for *_, places in sorted(self.hosts)])


class Folder:
    """Collects results; holds each different text once, in a spool.

    ``text`` is applied to output before comparing; ``together=False`` folds nothing.
    """

    def __init__(self, *, together: bool = True, text: Callable[[str], str] = str) -> None:
        self._together = together
        self._text = text
        self._spool = Spool()
        self._slots: dict[bytes, Slot] = {}
        self._groups: dict[object, Group] = {}
        self._order: dict[str, int] = {}

    def expect(self, hosts: Sequence[str]) -> None:
        """The inventory order; hosts never named follow in the order of their results."""
        for host in hosts:
            self._order.setdefault(host, len(self._order))

    def add(self, result: HostResult) -> int:
        """Returns the host's place in the order."""
        place = self._order.setdefault(result.host, len(self._order))
        out = self._keep(_shown_output(result))
        err = self._keep(result.stderr)
        error, places = generalised(result.error, result.host)
        key = (result.status, result.exit_code, result.signal, result.would_run, result.still_running)
        reason = error and (error.kind, error.message, error.hint)
        whole: object = (key, out, err, reason) if self._together else place
        group = self._groups.get(whole)
        if group is None:
            sample = msgspec.structs.replace(
                result, stdout="", stderr="", stdout_b64=None, stderr_b64=None, result=None, error=error
            )
            group = self._groups[whole] = Group(sample, place, out, err)
        group.hosts.append((place, result.host, places))
        group.order = min(group.order, place)
        return place

    def groups(self) -> Iterator[Group]:
        """By the inventory order of each group's first host."""
        yield from sorted(self._groups.values(), key=lambda group: group.order)

    def text(self, slot: Slot) -> str:
        return self._spool.get_text(slot)

    def _keep(self, text: str) -> Slot:
        text = self._text(text)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        slot = self._slots.get(digest)
        if slot is None:
            slot = self._slots[digest] = self._spool.put_text(text)
        return slot

    def close(self) -> None:
        self._spool.close()


def _shown_output(result: HostResult) -> str:
    """What a command wrote; for modules, which write nothing, what they returned."""
    if result.stdout or not result.result:
        return result.stdout
    if isinstance(facts := result.result.get("ansible_facts"), dict) and len(result.result) == 1:
        return "".join(f"{name}: {_value(facts[name])}\n" for name in sorted(facts)) or "no such fact\n"
    told = {key: value for key, value in result.result.items() if key != "diff" or not isinstance(value, str)}
    return msgspec.json.format(msgspec.json.encode(told, order="sorted"), indent=2).decode() + "\n"


def _value(fact: object) -> str:
    return fact if isinstance(fact, str) else msgspec.json.encode(fact, order="sorted").decode()


def diff_of(result: HostResult) -> str:
    """The unified diff that a task returned, if it did."""
    diff = (result.result or {}).get("diff")
    return diff if isinstance(diff, str) else ""
