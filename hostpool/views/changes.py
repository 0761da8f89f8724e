"""What changed from one run to another: outcomes and outputs, hosts with the same change together."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from hostpool.results import HostResult
from hostpool.views.compare import LARGEST
from hostpool.views.fold import diff_of, names
from hostpool.views.neutralise import neutralise, one_line
from hostpool.views.spool import Slot, Spool
from hostpool.views.words import hosts_word, indented, outcome


@dataclass(frozen=True)
class _Kept:
    outcome: str
    stdout: Slot
    stderr: Slot
    digest: bytes


@dataclass
class Changes:
    """``before`` takes all results of the one run, then ``after`` those of the other; memory is flat."""

    old: str
    new: str
    together: bool = True
    _spool: Spool = field(default_factory=Spool)
    _before: dict[str, _Kept] = field(default_factory=dict)
    _groups: dict[object, tuple[str, list[str]]] = field(default_factory=dict)
    _added: list[str] = field(default_factory=list)
    _same: int = 0

    def before(self, result: HostResult) -> None:
        self._before[result.host] = self._keep(result)

    def after(self, result: HostResult) -> None:
        before = self._before.pop(result.host, None)
        if before is None:
            self._added.append(result.host)
            return
        now = self._keep(result)
        if (before.outcome, before.digest) == (now.outcome, now.digest):
            self._same += 1
            return
        text = self._difference(before, now)
        key: object = text if self.together else result.host
        self._groups.setdefault(key, (text, []))[1].append(result.host)

    def _keep(self, result: HostResult) -> _Kept:
        told = result.stdout + diff_of(result)
        out, err = told.encode("utf-8", "replace"), result.stderr.encode("utf-8", "replace")
        digest = hashlib.blake2b(out, digest_size=16).digest() + hashlib.blake2b(err, digest_size=16).digest()
        return _Kept(outcome(result), self._spool.put(out), self._spool.put(err), digest)

    def _difference(self, before: _Kept, now: _Kept) -> str:
        said = before.outcome if before.outcome == now.outcome else f"{before.outcome} -> {now.outcome}"
        out = self._diff("stdout", before.stdout, now.stdout)
        err = self._diff("stderr", before.stderr, now.stderr)
        return f" {said}\n{indented(out)}{indented(err)}"

    def _diff(self, name: str, before: Slot, now: Slot) -> str:
        one, other = self._text(before), self._text(now)
        if one == other:
            return ""
        if max(len(one), len(other)) > LARGEST:
            return f"{name} differs\n"
        lines = difflib.unified_diff(
            one.splitlines(), other.splitlines(), f"{name} of {self.old}", f"{name} of {self.new}",
            lineterm="", n=1,
        )  # fmt: skip
        return "".join(f"{line}\n" for line in lines)

    def _text(self, slot: Slot) -> str:
        return neutralise(self._spool.get(slot).decode("utf-8", "replace"))

    def lines(self) -> Iterator[str]:
        """The report, safe for a terminal."""
        for text, hosts in self._groups.values():
            yield one_line(names(hosts)) + text
        for run, hosts in ((self.old, list(self._before)), (self.new, self._added)):
            if hosts:
                yield f"{one_line(names(hosts))} only in {run}\n"
        changed = sum(len(hosts) for _, hosts in self._groups.values())
        yield f"{hosts_word(changed)} changed, {self._same} as in {self.old}\n"

    def close(self) -> None:
        self._spool.close()
