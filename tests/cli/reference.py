"""The reference pages in docs/, made from the commands themselves: ``python -m tests.cli.reference``.

A test fails while what they say is not what the commands say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer._click.core import Command, Context
from typer.core import TyperGroup

from hostpool.cli.app import PROGRAM
from hostpool.cli.config import settings_keys
from hostpool.cli.root import root
from hostpool.tasks.modules.docs import Page, kind_of, pages

DOCS = Path(__file__).parents[2] / "docs"
_BEGIN = "<!-- made by python -m tests.cli.reference -->\n"
_END = "<!-- end -->\n"


def commands() -> Iterator[tuple[Context, Command]]:
    """Every command with its context, the root first."""
    app = root()
    yield from _below(app, _context(app, PROGRAM, None))


def _context(command: Command, name: str, parent: Context | None) -> Context:
    return Context(
        command, info_name=name, parent=parent, terminal_width=80, help_option_names=["--help", "-h"]
    )


def _below(command: Command, ctx: Context) -> Iterator[tuple[Context, Command]]:
    yield ctx, command
    if isinstance(command, TyperGroup):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from _below(below, _context(below, name, ctx))


def command_pages() -> str:
    return "\n".join(
        f"## {ctx.command_path}\n\n```text\n{_help(command, ctx)}\n```\n" for ctx, command in commands()
    )


def _help(command: Command, ctx: Context) -> str:
    return "\n".join(line.rstrip() for line in command.get_help(ctx).splitlines())


def configuration_table() -> str:
    rows = ["| key | variable | flag | meaning |", "|---|---|---|---|"]
    for flag in settings_keys():
        names = ", ".join(f"`{name}`" for name in flag.names) if flag.typed else "–"
        text = flag.help.replace("|", "\\|")
        rows.append(f"| `{flag.key}` | `{flag.variable}` | {names} | {text} |")
    return "\n".join(rows) + "\n"


def module_pages() -> str:
    found = pages().values()
    rows = [
        "| module | |",
        "|---|---|",
        *(f"| [{p.name}](#{p.name}) | {_cell(p.summary)} |" for p in found),
    ]
    return "\n".join((*rows, *(_module_page(page) for page in found))) + "\n"


def _module_page(page: Page) -> str:
    lines = ["", f"## {page.name}", "", page.summary.replace("``", "`"), ""]
    if page.params():
        lines += ["| parameter | | |", "|---|---|---|"]
        for name, (param, text) in page.params().items():
            lines.append(f"| `{name}` | {_cell(kind_of(param))} | {_cell(text)} |")
        lines.append("")
    if page.spec.refused:
        refused = [f"`{name}`{f' ({why})' if why else ''}" for name, why in page.spec.refused.items()]
        lines += [f"Not supported: {', '.join(refused)}.", ""]
    for name, text in page.doc.sections.items():
        lines += [f"{name}: {text.replace('``', '`')}", ""]
    return "\n".join(lines[:-1])


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


PAGES = {
    DOCS / "command-line.md": command_pages,
    DOCS / "configuration.md": configuration_table,
    DOCS / "modules.md": module_pages,
}


def renewed(page: Path) -> str:
    """The page as it should be: what stands between its two marks replaced."""
    before, _, rest = page.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{PAGES[page]()}\n{_END}{after}"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(renewed(path), "utf-8")
