"""The reference pages in docs/, made from the commands themselves: ``python -m tests.cli.reference``.

A test fails while what they say is not what the commands say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from typer._click.core import Command, Context
from typer.core import TyperGroup

from hostpool.cli.app import PROGRAM
from hostpool.cli.config import settings_keys
from hostpool.cli.root import root
from hostpool.tasks.modules.docs import Page, kind_of, pages

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
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
    by_both = compared()
    rows = [
        "| module | | run by both |",
        "|---|---|---|",
        *(
            f"| [{p.name}](#{p.name}) | {_cell(p.summary)} | {', '.join(by_both.get(p.name, ()))} |"
            for p in found
        ),
    ]
    return "\n".join((*rows, *(_module_page(page) for page in found))) + "\n"


def compared() -> dict[str, list[str]]:
    """Module → the playbooks that tests run by ansible-playbook too, and then compare."""
    found: dict[str, list[str]] = {}
    for place in ("modules/peer", "playbook/differential"):
        for path in sorted((TESTS / place).glob("*.yml")):
            for play in yaml.safe_load(path.read_text("utf-8")):
                for name in set(_modules(play)):
                    if path.stem not in found.setdefault(name, []):
                        found[name].append(path.stem)
    return found


def _modules(part: dict[str, Any]) -> Iterator[str]:
    """The modules of the tasks of a play or block."""
    for key in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
        for task in part.get(key) or ():
            yield from (str(word).rpartition(".")[2] for word in task)
            yield from _modules(task)


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
