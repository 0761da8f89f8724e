"""From a table of unknown keys to lines in known_hosts: what was confirmed, nothing else."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostpool.cli.key_table import Identity, distinct, identity, print_table
from hostpool.cli.report import print_warning
from hostpool.errors import HostpoolError, Problems, UsageError
from hostpool.exit_codes import exit_code
from hostpool.results import STATUSES, Status
from hostpool.tasks.host_keys import SeenKey, keys_of, removals
from hostpool.views.neutralise import one_line
from hostpool.views.words import hosts_word

if TYPE_CHECKING:
    from hostpool.cli.keys import AcceptOptions
    from hostpool.runner import RunReport

ROUNDS = 17
"""One more than a chain of jump hosts may have: each is seen only once the one before is accepted."""


def read_fingerprints(file: str) -> frozenset[str]:
    """The words ``SHA256:…``, one a line; lines as ``ssh-keygen -lf`` prints them do as well. Raises
    UsageError or Problems."""
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a text file"
        raise UsageError(f"the fingerprints cannot be read: {reason}", file=file) from error
    found: set[str] = set()
    errors: list[HostpoolError] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        named = [word for word in words if word.startswith("SHA256:") and len(word) == 50]
        if words and not named:
            errors.append(
                UsageError(
                    "no SHA256 fingerprint in this line",
                    file=file,
                    line=number,
                    source=line,
                    hint="one a line, as `ssh-keygen -lf KEY.pub` prints it: SHA256:…",
                )
            )
        found.update(named)
    if errors:
        raise Problems.of(errors)
    return frozenset(found)


@dataclass
class Acceptance:
    """``listed`` None: no file was given. ``ask``: a person confirms at the terminal."""

    listed: frozenset[str] | None
    ask: bool
    accepted: dict[Identity, SeenKey] = field(default_factory=dict)

    @classmethod
    def of(cls, options: AcceptOptions) -> Acceptance:
        """Raises UsageError where nothing could be confirmed: before any host is asked."""
        if options.yes and options.fingerprints is None:
            raise UsageError(
                "keys accept -y needs the fingerprints that may be accepted",
                hint="--fingerprints FILE, one a line; whoever takes any key that is shown needs none at all",
            )
        listed = None if options.fingerprints is None else read_fingerprints(options.fingerprints)
        if not options.yes and not all(s is not None and s.isatty() for s in (sys.stdin, sys.stderr)):
            raise UsageError(
                "keys accept asks at the terminal, and there is none",
                hint="-y --fingerprints FILE accepts the keys listed there without asking",
            )
        return cls(listed, not options.yes)

    def run(self, hosts: tuple[str, ...], look: Callable[[tuple[str, ...]], RunReport]) -> int:
        """Looks, asks, writes; then at what lay behind jump hosts. Returns the exit code."""
        from hostpool.cli.job import code_of

        statuses: dict[str, Status] = {}
        for _ in range(ROUNDS):
            report = look(hosts)
            if report.interrupted or report.broken_sinks or report.stopped_early:
                return code_of(report)
            keys = distinct(report.results.values())
            wanted = self._wanted(keys)
            self._tell(keys, wanted)
            if wanted and self.ask:
                _confirm(wanted)
            for key in wanted:
                _write(key)
                self.accepted[identity(key)] = key
            if wanted:
                _say(f"{_keys(len(wanted))} of {hosts_word(len({k.address for k in wanted}))} accepted")
            hosts = self._judge(report, statuses)
            if not wanted or not hosts:
                break
        counts = {status: list(statuses.values()).count(status) for status in STATUSES}
        return exit_code(counts)

    def _wanted(self, keys: Sequence[SeenKey]) -> list[SeenKey]:
        unknown = [key for key in keys if key.state == "unknown" and identity(key) not in self.accepted]
        if self.listed is None:
            return unknown
        return [key for key in unknown if key.fingerprint in self.listed]

    def _tell(self, keys: Sequence[SeenKey], wanted: Sequence[SeenKey]) -> None:
        print_table([key for key in keys if key.state != "known" and identity(key) not in self.accepted])
        changed = [key for key in keys if key.state == "changed"]
        if changed:
            _say("Changed keys are not accepted. For hosts that were really set up anew:")
            for command in removals(changed):
                _say(f"  {command}")
        if self.listed is not None:
            left = [key for key in keys if key.state == "unknown" and key not in wanted]
            if left:
                print_warning(f"{_keys(len(left))} not accepted: not among the fingerprints of the file")

    def _judge(self, report: RunReport, statuses: dict[str, Status]) -> tuple[str, ...]:
        """Notes how each host ended; returns those whose jump host has just been accepted."""
        again = []
        for host, result in report.results.items():
            statuses[host] = result.status
            keys = keys_of(result.result)
            if result.error is not None and result.error.kind == "jump_host_key_unknown":
                if self._vouched([key for key in keys if key.jump]):
                    again.append(host)
            elif result.status == "ok" and not self._vouched([key for key in keys if not key.jump]):
                statuses[host] = "failed"
        return tuple(again)

    def _vouched(self, keys: Collection[SeenKey]) -> bool:
        return any(key.state == "known" or identity(key) in self.accepted for key in keys)


def _confirm(keys: Sequence[SeenKey]) -> None:
    hosts = hosts_word(len({key.address for key in keys}))
    sys.stderr.write(
        f"Accept {'this key' if len(keys) == 1 else f'these {len(keys)} keys'} of {hosts}? [y/N] "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed: no key was accepted")


def _write(key: SeenKey) -> None:
    """As accept-new does; not again what somebody else has written since we looked."""
    from hostpool.openssh.known_hosts import KnownHosts, Status, append_line

    if key.file is None:
        raise UsageError(
            f"{key.host} has no known_hosts file to write to", hint="UserKnownHostsFile is none for it"
        )
    blob = base64.b64decode(key.key)
    try:
        if KnownHosts.load([key.file]).verify(key.names, blob).status is not Status.KNOWN:
            append_line(key.file, key.names, blob, key.hashed)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise HostpoolError(f"the key of {key.host} could not be written: {reason}", file=key.file) from error


def _keys(number: int) -> str:
    return "1 key" if number == 1 else f"{number} keys"


def _say(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"{one_line(text)}\n")
    sys.stderr.flush()
