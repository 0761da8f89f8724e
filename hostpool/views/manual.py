"""A module's page: laid out by rich on a terminal, plain text anywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, TextIO

from hostpool.tasks.modules.docs import kind_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hostpool.tasks.modules.docs import Page


class _Stream(Protocol):
    def isatty(self) -> bool: ...


def show(page: Page, stream: TextIO) -> None:
    if _fancy(stream):
        from rich.console import Console

        console = Console(file=stream, highlight=False)
        for part in _parts(page):
            console.print(part)
    else:
        stream.writelines(f"{line}\n" for line in plain(page))


def plain(page: Page) -> Iterator[str]:
    """One line a parameter, to be searched by grep."""
    yield f"{page.name}: {page.summary}"
    if page.params():
        yield "Parameters:"
    for name, (param, text) in page.params().items():
        yield f"  {name} ({kind_of(param)}): {_bare(text)}"
    for name, reason in page.spec.refused.items():
        yield f"  {name}: not supported{': ' if reason else ''}{reason}"
    for name, text in page.doc.sections.items():
        yield f"{name}: {_bare(text)}"


def _parts(page: Page) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    yield Text.assemble((page.name, "bold"), f": {page.summary}")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, (param, text) in page.params().items():
        table.add_row(Text(name, "bold"), Text.assemble(_bare(text), (f" ({kind_of(param)})", "dim")))
    for name, reason in page.spec.refused.items():
        table.add_row(Text(name, "dim"), Text(f"not supported{': ' if reason else ''}{reason}", "dim"))
    if table.row_count:
        yield Padding(table, (1, 0, 1, 2))
    for name, text in page.doc.sections.items():
        yield Text.assemble((f"{name}: ", "bold"), _bare(text))


def _bare(text: str) -> str:
    return text.replace("``", "")


def _fancy(stream: _Stream) -> bool:
    """Whether somebody looks at it, on something that can move a cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
