"""The chart: bars of seconds, one group for each kind of work, drawn by hand."""

from __future__ import annotations

from html import escape
from typing import Any

from tests.bench.race import median
from tests.bench.tools import OURS

SHOWN = ("true-200", "true-2000", "sleep-500", "playbook-second", "sync-fresh", "sync-5", "one-file")
WIDTH, LABEL, BAR, GAP = 760, 220, 16, 5
_STYLE = """<style>
text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold; font-size: 13px }
.bar { fill: #9aa7b5 } .ours { fill: #d9822b } .back { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .back { fill: #161b22 } }
</style>"""


def svg(results: dict[str, Any]) -> str:
    parts: list[str] = []
    y = 10
    for table in results["tables"]:
        if table["key"] in SHOWN:
            drawn, y = _group(table, y)
            parts += drawn
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}">\n'
        f'{_STYLE}\n<rect class="back" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _group(table: dict[str, Any], y: int) -> tuple[list[str], int]:
    walls = sorted((median(row["wall"]), row["name"]) for row in table["rows"] if row.get("wall"))
    if not walls:
        return [], y
    most = walls[-1][0]
    room = WIDTH - LABEL - 70
    parts = [
        f'<text class="title" x="10" y="{y + 14}">{escape(table["title"].replace("`", ""))}, seconds</text>'
    ]
    y += 22
    for wall, name in walls:
        kind = "ours" if name.startswith(OURS) else "bar"
        width = max(1.0, room * wall / most)
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}"/>',
            f'<text x="{LABEL + width + 6:.1f}" y="{y + 12}">{wall:.2f}</text>',
        ]
        y += BAR + GAP
    return parts, y + 14
