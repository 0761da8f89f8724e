"""Results as JSON, as Markdown, as a chart, and as the few lines of the README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import chart
from tests.bench.aims import aims
from tests.bench.ground import ROOT
from tests.bench.race import Row, Table, median
from tests.bench.tools import OURS

JSON, MARKDOWN, CHART = "results.json", "README.md", "chart.svg"
BEGIN, END = "<!-- benchmark -->", "<!-- /benchmark -->"
IN_README = ("true-200", "true-2000", "playbook-second", "sync-fresh", "sync-5", "one-file", "true-1")
Document = dict[str, Any]


def document(machine: Document, tables: Sequence[Table]) -> Document:
    return {"machine": machine, "tables": [_table(each) for each in tables]}


def _table(table: Table) -> Document:
    return {
        "key": table.key,
        "title": table.title,
        "hosts": table.hosts,
        "floor": table.floor,
        "notes": table.notes,
        "rows": [_row(row) for row in table.rows],
    }


def _row(row: Row) -> Document:
    fields = {name: getattr(row, name) for name in Row.__dataclass_fields__}
    rounded = {
        name: [round(each, 4) for each in value] if isinstance(value, list) else value
        for name, value in fields.items()
    }
    return {name: value for name, value in rounded.items() if value not in (None, [], {}, "")}


def read(directory: Path) -> Document:
    try:
        found: Document = json.loads((directory / JSON).read_text())
    except FileNotFoundError:
        return {"machine": {}, "tables": []}
    return found


def merged(old: Document, new: Document) -> Document:
    """The parts that were run anew take the place of the old ones; each machine's line is the newest."""
    fresh = {table["key"]: table for table in new["tables"]}
    kept = [fresh.pop(table["key"], table) for table in old["tables"]]
    return {"machine": new["machine"], "tables": [*kept, *fresh.values()]}


def write(results: Document, directory: Path, readme: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / JSON).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (directory / MARKDOWN).write_text(markdown(results))
    (directory / CHART).write_text(chart.svg(results))
    if readme:
        _write_readme(ROOT / "README.md", results)


def markdown(results: Document) -> str:
    parts = [
        "# Measured side by side\n\nWritten by `tests/bench/run`; `results.json` has every round.\n",
        _machine(results["machine"]),
        "![seconds for the same work](chart.svg)\n",
        _aims_table(results),
        *map(_section, results["tables"]),
        _METHOD,
    ]
    return "\n".join(parts)


def _machine(machine: Document) -> str:
    if not machine:
        return ""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    quick = (
        " One quick round on a machine that did other work: not to be cited.\n" if machine["quick"] else ""
    )
    return (
        f"{machine['date']}, {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, Python {machine['python']}.{quick}\n"
        f"{versions}.\n\nhostpool and the server agree on {machine['kex']} and {machine['cipher']}.\n"
    )


def _aims_table(results: Document) -> str:
    lines = ["## Aims\n", "| aim | limit | measured | |", "|---|---|---|---|"]
    lines += [
        f"| {_plain(aim.what)} | {aim.limit} | {aim.measured} | {'holds' if aim.holds else '**missed**'} |"
        for aim in aims(results)
    ]
    return "\n".join(lines) + "\n"


def _section(table: Document) -> str:
    lines = [f"## {table['title'][0].upper()}{table['title'][1:]}\n", *_rows(table, full=True)]
    if table.get("floor"):
        lines.append(
            f"\nThe servers' own CPU for these connections ÷ cores (the floor): {table['floor']:.2f} s."
        )
    lines += [f"\n{note[0].upper()}{note[1:]}." for note in table["notes"]]
    return "\n".join(lines) + "\n"


def _rows(table: Document, *, full: bool) -> list[str]:
    rows = [row for row in table["rows"] if row.get("wall")]
    ours = next((median(row["wall"]) for row in rows if row["name"].startswith(OURS)), None)
    extra = [name for name in ("first", "last", "trips", "memory") if any(name in row for row in rows)]
    titles = {"first": "first result", "last": "last result", "trips": "waits a host", "memory": "memory"}
    head = ["", "wall s", "spread", "× ours", "client CPU s", *(titles[each] for each in extra)]
    if table["hosts"] > 1:
        head.insert(5, "ms a host")
    head += ["rounds", "not equal"] if full else []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    rows.sort(key=lambda each: median(each["wall"]))
    lines += ["| " + " | ".join(_cells(row, table, ours, extra, full)) + " |" for row in rows]
    lines += [f"| {row['name']} | — | {row['error']} |" for row in table["rows"] if row.get("error") and full]
    return lines


def _plain(text: str) -> str:
    """For a cell of a table."""
    return text.replace("|", "\\|")


def _cells(row: Document, table: Document, ours: float | None, extra: list[str], full: bool) -> list[str]:
    wall, cpu = median(row["wall"]), median(row.get("cpu", []))
    name = _plain(row["name"])
    name = f"**{name}**" if name.startswith(OURS) else name
    cells = [name, f"{wall:.2f}", f"{min(row['wall']):.2f}–{max(row['wall']):.2f}"]
    cells += [f"{wall / ours:.2f}" if ours else "", f"{cpu:.2f}" if row.get("cpu") else ""]
    if table["hosts"] > 1:
        cells.append(f"{1000 * cpu / table['hosts']:.1f}" if row.get("cpu") else "")
    for each in extra:
        value = row.get(each)
        if value is None:
            cells.append("")
        elif each == "memory":
            cells.append(f"{value / 2**20:.0f} MiB")
        else:
            cells.append(f"{median(value):.2f}" if each != "trips" else f"{median(value):.1f}")
    return [*cells, str(len(row["wall"])), row.get("unequal", "")] if full else cells


def _write_readme(path: Path, results: Document) -> None:
    text = path.read_text()
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if mark and end:
        path.write_text(f"{before}{BEGIN}\n{short(results)}{END}{after}")


def short(results: Document) -> str:
    """One line for each kind of work: ours, the best other, and what most people have."""
    lines = ["| work | hostpool s | the fastest other | Ansible |", "|---|---|---|---|"]
    for table in results["tables"]:
        if table["key"] not in IN_README:
            continue
        walls = {row["name"]: median(row["wall"]) for row in table["rows"] if row.get("wall")}
        ours = walls.get(OURS, walls.get(f"{OURS} put"))
        others = {
            name: wall for name, wall in walls.items() if not name.startswith(OURS) and "only" not in name
        }
        if ours is None or not others:
            continue
        best = min(others, key=lambda name: others[name])
        ansible = [
            wall for name, wall in others.items() if name.startswith("ansible") and "mitogen" not in name
        ]
        slowest = f"{max(ansible):.1f}" if ansible else ""
        lines.append(f"| {table['title']} | {ours:.2f} | {others[best]:.2f} ({_plain(best)}) | {slowest} |")
    machine = results["machine"]
    told = f"{machine['cores']} cores, servers on the same ones, {machine['date']}" if machine else ""
    return "\n".join(lines) + f"\n\nSeconds from start to end of the process; {told}.\n"


_METHOD = """## How

One sshd on loopback plays all hosts, one address each, with an unprivileged account whose shell is `/bin/sh`;
it shares the cores with the client, so a client's CPU and the server's add up. Rounds are interleaved
(A B C, B C A, …); a first round warms caches, watches memory (proportional set sizes of all processes added
up, sampled every 50 ms) and does not count. Wall is that of the whole process. Client CPU counts all its
processes, those it leaves behind included. All tools that know a bound have as many hosts in flight as
hostpool. Slow tools run fewer rounds; the table says how many. Every tool's HOME is empty, no agent runs.
"""
