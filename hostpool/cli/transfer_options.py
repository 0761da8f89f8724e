"""Options of the commands that carry files."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hostpool.batches import Limit
from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import HostOptions

_HOSTS, _SPREAD, _CONNECT, _BECOME, _TASK, _OUTPUT = SECTIONS


def modes(value: str) -> str:
    from hostpool.sync.modes import parse

    parse(values.text(value))
    return value


def deletions(value: str) -> Limit:
    """``200`` entries or ``50%`` of them."""
    try:
        return values.limit(value)
    except ValueError:
        raise ValueError(f"{value!r} is neither a number nor a percentage: write 200 or 50%") from None


FilterWord = tuple[int, str, str]
"""When it was read, which option it is, and its value: of the three, the first that matches decides."""
_order = itertools.count()


def _rule(kind: str) -> Callable[[str], FilterWord]:
    return lambda value: (next(_order), kind, values.text(value))


@flags
class SendingOptions(HostOptions):
    """What puts files on hosts."""

    subst: bool = flag(
        "--subst", section=_TASK, help="Replace %h (address), %n (name), %u (user) and {{var}} in the words."
    )
    diff: bool = flag("-D", "--diff", section=_TASK, help="Show what changes, text files line by line.")
    owner: str | None = flag(
        "--owner", metavar="USER", section=_TASK, parse=values.text,
        help="Give what is sent to USER (root can).",
    )  # fmt: skip
    group: str | None = flag(
        "--group", metavar="GROUP", section=_TASK, parse=values.text, help="Give what is sent to GROUP."
    )  # fmt: skip
    in_place: bool = flag(
        "--in-place", section=_TASK, hidden=("--no-atomic", "--inplace"),
        help="Write into files that are there: owner, ACL and links stay, readers may see half a file.",
    )  # fmt: skip


@flags
class PutOptions(SendingOptions):
    mode: str | None = flag(
        "--mode", metavar="MODE", section=_TASK, parse=modes, hidden=("--chmod",),
        help="Permissions: 644, or D755,F644, or u=rwX,go-w. [default: as here]",
    )  # fmt: skip
    no_verify: bool = flag(
        "--no-verify", section=_TASK, help="Compare by size and time, not by SHA-256 on both ends."
    )


@flags
class SyncOptions(SendingOptions):
    exclude: tuple[str, ...] = flag(
        "-x", "--exclude-hosts", metavar="PATTERN", section=_HOSTS, many=True, parse=values.text,
        complete="hosts", help="Leave out the hosts that match.",
    )  # fmt: skip
    delete: bool = flag("--delete", section=_TASK, help="Delete on the host what is not in SRC.")
    max_delete: Limit | None = flag(
        "--max-delete", metavar="N|P%", section=_TASK, parse=deletions,
        help="Delete nothing if it would be more than this. [default: 10%]",
    )  # fmt: skip
    checksum: bool = flag("--checksum", section=_TASK, help="Compare files by SHA-256, not by size and time.")
    verify: bool = flag("--verify", section=_TASK, help="Compare the SHA-256 of what arrived as well.")
    exclude_files: tuple[FilterWord, ...] = flag(
        "--exclude", metavar="PATTERN", section=_TASK, many=True, parse=_rule("exclude"),
        help="Leave out files, by rsync's patterns; the first rule that matches decides.",
    )  # fmt: skip
    include_files: tuple[FilterWord, ...] = flag(
        "--include", metavar="PATTERN", section=_TASK, many=True, parse=_rule("include"),
        help="Do not leave out files.",
    )  # fmt: skip
    exclude_from: tuple[FilterWord, ...] = flag(
        "--exclude-from", metavar="FILE", section=_TASK, many=True, parse=_rule("exclude-from"),
        help="Read such patterns from FILE, one a line.",
    )  # fmt: skip
    chmod: str | None = flag(
        "--chmod", metavar="MODE", section=_TASK, parse=modes, hidden=("--mode",),
        help="Permissions: D755,F644, or u=rwX,go-w. [default: as here]",
    )  # fmt: skip


@flags
class GetOptions(HostOptions):
    subst: bool = flag(
        "--subst", section=_TASK, help="Replace %h (address), %n (name), %u (user) and {{var}} in the words."
    )
    flat: bool = flag("--flat", section=_TASK, help="To DESTDIR/HOST-NAME, without a directory per host.")
    no_verify: bool = flag("--no-verify", section=_TASK, help="Do not compare the SHA-256 on both ends.")
