"""The aims: each a ratio, or a cost, within one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.race import median
from tests.bench.tools import OURS

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Aim:
    what: str
    limit: str
    measured: str
    holds: bool


def aims(results: dict[str, Any]) -> list[Aim]:
    """Those whose parts were run."""
    tables = {table["key"]: table for table in results["tables"]}
    found: list[Aim] = []
    for each in (_true, _sleep, _playbook, _sync, _start, _memory, _scale, _hung, _parent):
        try:
            found += each(tables)
        except (KeyError, ValueError):  # a part was not run, or a peer could not
            continue
    return found


def _rows(table: dict[str, Any]) -> Rows:
    return {row["name"]: row for row in table["rows"] if row.get("wall")}


def _at_most(what: str, value: float, limit: float, unit: str = "×") -> Aim:
    return Aim(what, f"≤ {limit:.3g} {unit}", f"{value:.2f} {unit}", value <= limit)


def _at_least(what: str, value: float, limit: float, unit: str = "×") -> Aim:
    return Aim(what, f"≥ {limit:g} {unit}", f"{value:,.2f} {unit}", value >= limit)


def _wall(rows: Rows, name: str) -> float:
    return median(rows[name]["wall"])


def _true(tables: dict[str, Any]) -> Iterator[Aim]:
    for key, factor in (("true-200", 1.5), ("true-2000", 1.3)):
        if key not in tables:
            continue
        table, rows = tables[key], _rows(tables[key])
        best = min(_wall(rows, name) for name in rows if name != OURS)
        ours = _wall(rows, OURS)
        yield _at_most(f"{table['title']}: of the fastest peer", ours / best, 0.75)
        yield _at_most(f"{table['title']}: of the floor", ours / table["floor"], factor)
        cpu = 1000 * median(rows[OURS]["cpu"]) / table["hosts"]
        yield _at_most(f"{table['title']}: client CPU a host", cpu, 4, "ms")


def _sleep(tables: dict[str, Any]) -> Iterator[Aim]:
    table = tables["sleep-500"]
    least = max(2.0, table["floor"])
    yield _at_most(f"{table['title']}: of max(2 s, floor)", _wall(_rows(table), OURS) / least, 1.2)


def _playbook(tables: dict[str, Any]) -> Iterator[Aim]:
    table = tables["playbook-second"]
    rows = _rows(table)
    for name, factor in (("ansible-playbook", 40), ("pyinfra", 3)):
        yield _at_least(f"{table['title']}: {name} ÷ ours", _wall(rows, name) / _wall(rows, OURS), factor)


def _sync(tables: dict[str, Any]) -> Iterator[Aim]:
    for key, name in (("sync-fresh", "tar | ssh tar, xargs -P"), ("sync-same", "rsync, xargs -P"),
                      ("sync-5", "rsync, xargs -P"), ("one-file", "scp, same key exchange")):  # fmt: skip
        if key in tables:
            rows = _rows(tables[key])
            ours = OURS if OURS in rows else f"{OURS} put --no-verify"
            what = f"{tables[key]['title']}: of {name}"
            yield _at_most(what, _wall(rows, ours) / _wall(rows, name), 1)
    if "sync-fresh" in tables:
        fresh = tables["sync-fresh"]
        rows, title = _rows(fresh), fresh["title"]
        yield _at_most(
            f"{title}: of rsync, xargs -P", _wall(rows, OURS) / _wall(rows, "rsync, xargs -P"), 0.7
        )
        if "sync-one" in tables:
            alone = median(next(iter(_rows(tables["sync-one"]).values()))["cpu"])
            share = median(rows[OURS]["cpu"]) / fresh["hosts"] / alone
            yield _at_most(f"{title}: client CPU a host, of that for one host alone", share, 1)


def _start(tables: dict[str, Any]) -> Iterator[Aim]:
    yield _at_most("`--help`", _wall(_rows(tables["help"]), OURS), 0.12, "s")
    rows = _rows(tables["true-1"])
    ratio = _wall(rows, OURS) / _wall(rows, "ssh")
    yield _at_most("`true` on one host, cold, of `ssh`", ratio, 0.45 / 0.19)


def _memory(tables: dict[str, Any]) -> Iterator[Aim]:
    many, one = _rows(tables["sleep-500"])[OURS], _rows(tables["true-1"])[OURS]
    each = (many["memory"] - one["memory"]) / (tables["sleep-500"]["hosts"] - 1)
    yield _at_most("memory of an open session", each / 1024, 100, "KiB")


def _scale(tables: dict[str, Any]) -> Iterator[Aim]:
    costs = {
        table["hosts"]: median(_rows(table)[OURS]["cpu"]) / table["hosts"]
        for key, table in tables.items()
        if key.startswith("scale-")
    }
    few, many = min(costs), max(costs)
    yield _at_most(f"client CPU a host, {many:,} hosts against {few:,}", costs[many] / costs[few], 1.15)


def _hung(tables: dict[str, Any]) -> Iterator[Aim]:
    yield _at_most(
        tables["hung"]["title"] + ": of them alone", _rows(tables["hung"])[OURS]["more"]["ratio"], 1.2
    )


def _parent(tables: dict[str, Any]) -> Iterator[Aim]:
    rate = _rows(tables["parent"])[OURS]["more"]["per_second"]
    yield _at_least("tasks of hosts through the parent of a playbook", rate, 5000, "/s")
