"""``hostpool keys scan|accept PATTERN``: the host keys nobody has accepted yet, in one table."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

import msgspec
from typer._click.core import Command as AnyCommand

from hostpool.cli import values
from hostpool.cli.command import CONTEXT, Command, Group
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import Connecting, HostOptions, Selecting, Showing, Spreading
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.runner import RunReport
    from hostpool.settings import Settings

_SCAN = """Show the host keys that known_hosts does not have, or contradicts, in one table.

Nobody logs in, but to the jump hosts on the way. A host with a known key is fine; of any other every
type of key is shown, with -v known ones too. Exit code 3 when a key has changed or is revoked.
"""
_ACCEPT = """Write the unknown keys of hosts into known_hosts, after one question for all.

Compare the fingerprints with the hosts' own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) first.
-y does not ask and needs --fingerprints: only the keys listed there are accepted. A key that has
changed is never accepted: it is listed with the command that forgets the old one.

\b
  hostpool keys scan all
  hostpool keys accept web
  hostpool keys accept web -y --fingerprints fingerprints.txt
"""


@flags
class ScanOptions(Selecting, Spreading, Connecting, Showing):
    """As far as keys are concerned there is no login, no other user and no task."""

    syslog: bool = True


@flags
class AcceptOptions(ScanOptions):
    fingerprints: str | None = flag(
        "--fingerprints", metavar="FILE", section=SECTIONS[2], parse=values.path,
        help="Accept only keys with these SHA256 fingerprints, one a line.",
    )  # fmt: skip


def scan(options: ScanOptions, words: list[str]) -> int:
    from hostpool.cli.job import code_of, list_hosts, pattern_and_rest
    from hostpool.cli.key_table import distinct, print_table

    pattern, _ = pattern_and_rest(words)
    everything = _as_run(options)
    selected, settings = _selected(everything, pattern)
    if options.list_hosts:
        return list_hosts(everything, selected.hosts)
    report = _look(everything, selected, settings)
    if options.output in (None, "live", "plain"):
        keys = distinct(report.results.values())
        shown = [key for key in keys if key.state != "known" or options.verbose]
        print_table(shown)
        if keys and not shown:
            sys.stderr.write("known_hosts has the keys of all hosts that showed one\n")
    return code_of(report)


def accept(options: AcceptOptions, words: list[str]) -> int:
    from hostpool.cli.acceptance import Acceptance
    from hostpool.cli.job import list_hosts, pattern_and_rest

    pattern, _ = pattern_and_rest(words)
    if options.output not in (None, "live", "plain"):
        raise UsageError("keys accept shows a table", hint=f"-o {options.output} is for `hostpool keys scan`")
    acceptance = Acceptance.of(options)
    everything = _as_run(options)
    selected, settings = _selected(everything, pattern)
    if options.list_hosts:
        return list_hosts(everything, selected.hosts)
    return acceptance.run(
        selected.hosts,
        lambda hosts: _look(everything, msgspec.structs.replace(selected, hosts=hosts), settings),
    )


def _as_run(options: ScanOptions) -> HostOptions:
    """For what all commands on hosts share; the views say only what is wrong, the table the rest."""
    fields = {field.name for field in dataclasses.fields(HostOptions)}
    said = {f.name: getattr(options, f.name) for f in dataclasses.fields(options) if f.name in fields}
    quiet = options.output in (None, "live", "plain")
    return HostOptions(**{**said, "quiet": quiet or options.quiet, "host_keys": "strict"})


def _selected(options: HostOptions, pattern: str) -> tuple[Selected, Settings]:
    from hostpool.cli.inventories import select
    from hostpool.cli.settings import settings

    selected = select(options, pattern)
    return selected, settings(options)


def _look(options: HostOptions, selected: Selected, settings: Settings) -> RunReport:
    from hostpool.cli.job import run_selected
    from hostpool.tasks.host_keys import ScanKeys

    return run_selected(options, selected, settings, ScanKeys(), data=False)


SPECS: tuple[Spec[Any], ...] = (
    Spec("keys scan", ScanOptions, ("PATTERN",), scan, _SCAN, free=True),
    Spec("keys accept", AcceptOptions, ("PATTERN",), accept, _ACCEPT, free=True),
)


def command() -> AnyCommand:
    return Group(
        name="keys",
        commands=[Command(spec) for spec in SPECS],
        help="One table of unknown host keys, confirmed once.",
        context_settings=dict(CONTEXT),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
