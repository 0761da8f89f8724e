"""Draws the picture that opens the README from a recorded run: a frame in its middle, then the report.

hostpool run -o jsonl web 'apt-get -y upgrade' > run.jsonl
python docs/make_picture.py run.jsonl docs/live.svg
"""

from __future__ import annotations

import argparse
import io
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from hostpool.events import Event, RunStarted, from_json
from hostpool.views import ViewOptions, make_view
from hostpool.views.live.model import Model
from hostpool.views.live.render import frame
from hostpool.views.live.screen import painted

_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""A picture must not fetch anything; where the font is missing any monospaced one will do."""


def picture(events: Sequence[Event], *, columns: int, rows: int, at: float) -> str:
    """SVG of the run when its share ``at`` (0 to 1) of time was over, and of what stays at its end."""
    start, end = events[0].ts, events[-1].ts
    now = start + (end - start) * at
    model = Model()
    for event in events:
        if event.ts <= now:
            model.handle(event)
    console = Console(
        record=True, width=columns, file=io.StringIO(), color_system="truecolor", force_terminal=True
    )
    console.print(Text(f"$ {_command(events)}", style="bold"))
    for line in frame(model, columns + 1, rows, now):
        console.print(Text.from_ansi(painted(line, color=True)), no_wrap=True)
    console.print()
    console.print(Text("when it is over:", style="dim italic"))
    console.print(Text.from_ansi(_report(events)))
    return _WEB_FONT.sub("", console.export_svg(title="hostpool"))


def _command(events: Sequence[Event]) -> str:
    argv = next((event.argv for event in events if isinstance(event, RunStarted)), ())
    words = list(argv)
    if "-o" in words:
        at = words.index("-o")
        del words[at : at + 2]  # how it was recorded, not how it is used
    return shlex.join(words) or "hostpool"


def _report(events: Sequence[Event]) -> str:
    out = io.BytesIO()
    view = make_view("plain", ViewOptions(stdout=out, stderr=out, color=True))
    for event in events:
        view.handle(event)
    view.close()
    return out.getvalue().decode()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recorded", type=Path, help="the output of a run with -o jsonl")
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument(
        "--at", type=float, default=0.5, help="share of the run's time, 0 to 1 [default: 0.5]"
    )
    chosen = parser.parse_args()
    events = [from_json(line) for line in chosen.recorded.read_bytes().splitlines()]
    svg = picture(events, columns=chosen.columns, rows=chosen.rows, at=chosen.at)
    chosen.picture.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
