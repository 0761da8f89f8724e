"""Keys of hosts as a table, and as what known_hosts must have."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from hostpool.results import HostResult
from hostpool.tasks.host_keys import SeenKey, keys_of
from hostpool.views.neutralise import one_line

_HEADINGS = ("HOST", "ADDRESS", "TYPE", "FINGERPRINT", "STATE")
Identity = tuple[tuple[str, ...], str, str | None]


def identity(key: SeenKey) -> Identity:
    """What makes two sightings the same line of known_hosts."""
    return key.names, key.key, key.file


def distinct(results: Iterable[HostResult]) -> list[SeenKey]:
    """The keys of all results, a jump host's once and before the hosts behind it."""
    found: dict[Identity, SeenKey] = {}
    for result in results:
        for key in keys_of(result.result):
            found.setdefault(identity(key), key)
    return list(found.values())


def print_table(keys: Sequence[SeenKey]) -> None:
    if not keys:
        return
    rows = [_HEADINGS, *(_row(key) for key in keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[-1]]) + "\n")
    sys.stdout.flush()


def _row(key: SeenKey) -> tuple[str, ...]:
    state: str = key.state
    if key.places and key.state != "known":
        state += f" ({', '.join(key.places[:3])})"
    name = f"{key.host} (jump host)" if key.jump else key.host
    return tuple(one_line(text) for text in (name, key.address, key.type, key.fingerprint, state))
