"""``hostpool demo``: the main job on an embedded fleet, through the same code path as any run."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from hostpool import exit_codes
from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import HostOptions, Showing
from hostpool.cli.spec import Spec

if TYPE_CHECKING:
    from hostpool.demo import Fleet

_HELP = """Start a fleet of pretended hosts on this machine and run `uptime` on it.

They are real SSH servers, on 127.0.0.1 only, which let in nobody but this command. One of them is slow,
one fails, one cannot be reached, so that you see what that looks like; exit code 0 says that all went
as it should.
"""
COMMAND = "uptime"
DEFAULT = 12


@flags
class DemoOptions(Showing):
    hosts: int | None = flag(
        "-n", "--hosts", metavar="HOSTS", section=SECTIONS[0], parse=values.count,
        help="How many hosts, up to 200. [default: 12]",
    )  # fmt: skip
    keep: bool = flag(
        "--keep", section=SECTIONS[0],
        help="Leave the fleet up until Ctrl-C, and print the inventory to use it with.",
    )  # fmt: skip


def run(options: DemoOptions, words: list[str]) -> int:
    from hostpool.cli.job import run_on
    from hostpool.demo import Fleet
    from hostpool.tasks import Command as RemoteCommand

    number = options.hosts or DEFAULT
    with Fleet.start(number) as fleet:
        code = run_on(_as_typed(options, fleet), "all", lambda selected, settings: RemoteCommand(COMMAND))
        if code == _foretold(number):
            _explain(code)
            code = exit_codes.OK
        if options.keep:
            _keep(fleet)
    return code


def _foretold(hosts: int) -> int:
    """How a run on such a fleet has to end: some of its hosts are made to fail."""
    from hostpool.demo.company import Quirk, company

    quirks = {host.quirk for host in company(hosts)}
    if Quirk.UNREACHABLE in quirks:
        return exit_codes.HOST_UNKNOWN
    return exit_codes.HOST_FAILED if Quirk.FAILING in quirks else exit_codes.OK


def _explain(code: int) -> None:
    if code:
        sys.stderr.write(f"\nSome hosts are made to fail; on real ones the exit code would be {code}.")
    sys.stderr.write(f"\nWith hosts of your own:  hostpool run -i 'host1,host2,' all {COMMAND}\n")
    sys.stderr.flush()


def _as_typed(options: DemoOptions, fleet: Fleet) -> HostOptions:
    """What a person would have typed; no setting of theirs must reach the pretended hosts."""
    showing = {name: getattr(options, name) for name in Showing.__dataclass_fields__}
    return replace(
        HostOptions(**showing), inventory=(str(fleet.inventory_path),), ssh_config="none", no_history=True
    )


def _keep(fleet: Fleet) -> None:
    sys.stderr.write(
        f"\nThe fleet stays up until Ctrl-C. In another terminal:\n\n"
        f"  hostpool run -i {fleet.inventory_path} all {COMMAND}\n"
    )
    sys.stderr.flush()
    try:
        fleet.wait()
    except KeyboardInterrupt:
        sys.stderr.write("\n")


SPEC = Spec("demo", DemoOptions, (), run, _HELP, free=True)
