"""``hostpool reboot PATTERN``"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import HostOptions
from hostpool.cli.spec import Spec
from hostpool.errors import HostpoolError, Problems, UsageError

if TYPE_CHECKING:
    from hostpool.cli.inventories import Selected
    from hostpool.settings import Settings
    from hostpool.tasks.reboot import Reboot

_HELP = """Reboot every host that matches PATTERN and wait until it is really back.

Back means: it lets us log in again and has another boot id. Only root may reboot: -b, unless that is
who logs in. With --batch the next hosts go down once the last ones are back, and not at all when one
of the first batch stays away.

\b
  hostpool reboot web -b --batch 1,25% --pause 30
"""

_TASK = SECTIONS[4]


@flags
class RebootOptions(HostOptions):
    reboot_timeout: float | None = flag(
        "--reboot-timeout", metavar="SECONDS", section=_TASK, parse=values.seconds,
        help="Give a host this long to come back. [default: 600]",
    )  # fmt: skip
    reboot_command: str | None = flag(
        "--reboot-command", metavar="COMMAND", section=_TASK, parse=values.text,
        help="What reboots it. [default: shutdown -r now, or reboot]",
    )  # fmt: skip
    boot_id_command: str | None = flag(
        "--boot-id-command", metavar="COMMAND", section=_TASK, parse=values.text,
        help="Prints something else after each boot. [default: the kernel's boot id, else the boot time]",
    )  # fmt: skip


def run(options: RebootOptions, words: list[str]) -> int:
    from hostpool.cli.job import pattern_and_rest, run_on

    pattern, _ = pattern_and_rest(words)
    return run_on(options, pattern, lambda selected, settings: _task(options, selected, settings), data=False)


def _task(options: RebootOptions, selected: Selected, settings: Settings) -> Reboot:
    from hostpool.targets import Resolver
    from hostpool.tasks.reboot import BOOT_ID, REBOOT, TIMEOUT, Reboot

    resolver = Resolver(selected.inventory, settings)
    resolver.resolve_all(selected.hosts)
    local = [host for host in selected.hosts if resolver.resolve(host).connection == "local"]
    if local:
        errors: list[HostpoolError] = [
            UsageError(f"{host} is this machine (ansible_connection local): it is not rebooted")
            for host in local
        ]
        raise Problems.of(errors)
    return Reboot(
        command=options.reboot_command or REBOOT,
        boot_id_command=options.boot_id_command or BOOT_ID,
        timeout=options.reboot_timeout or TIMEOUT,
    )


SPEC = Spec("reboot", RebootOptions, ("PATTERN",), run, _HELP, free=True)
