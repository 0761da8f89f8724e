"""``hostpool modules [NAME]``: which modules there are; one module's page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from hostpool import exit_codes
from hostpool.cli import hints, values
from hostpool.cli.flags import SECTIONS, Flags, flag, flags
from hostpool.cli.spec import Spec
from hostpool.errors import UsageError

if TYPE_CHECKING:
    from hostpool.tasks.modules.docs import Page

_HELP = """List the modules that tasks of playbooks can use, or print the page of one.

NAME may be written in full, as ansible.builtin.copy.
"""


@flags
class ModulesOptions(Flags):
    output: Literal["plain", "json"] = flag(
        "-o", "--output", metavar="VIEW", section=SECTIONS[-1], parse=values.choice("plain", "json"),
        complete="plain json", help="plain or json. [default: plain]",
    )  # fmt: skip


def run(options: ModulesOptions, words: list[str]) -> int:
    from hostpool.tasks.modules.docs import pages

    found = pages()
    if words:
        page = found.get(words[0]) or found.get(words[0].rpartition(".")[2])
        if page is None:
            near = hints.nearest(words[0].rpartition(".")[2], list(found))
            hint = f"did you mean {near}?" if near else "`hostpool modules` lists them"
            raise UsageError(f"there is no module {words[0]!r}", hint=hint)
        _page(page, options.output == "json")
    elif options.output == "json":
        _json([{"name": page.name, "summary": page.summary} for page in found.values()])
    else:
        width = max(map(len, found))
        sys.stdout.writelines(f"{page.name:<{width}}  {page.summary}\n" for page in found.values())
    return exit_codes.OK


def _page(page: Page, as_json: bool) -> None:
    if as_json:
        _json(_as_data(page))
    else:
        from hostpool.views.manual import show

        show(page, sys.stdout)


def _as_data(page: Page) -> dict[str, Any]:
    parameters = [
        {
            "name": name, "kind": param.kind, "required": param.required, "default": param.default,
            "choices": param.choices, "aliases": param.aliases, "secret": param.secret, "text": text,
        }
        for name, (param, text) in page.params().items()
    ]  # fmt: skip
    sections = {name.lower().replace(" ", "_"): text for name, text in page.doc.sections.items()}
    return {
        "name": page.name, "summary": page.summary, "parameters": parameters,
        "refused": dict(page.spec.refused), **sections,
    }  # fmt: skip


def _json(data: object) -> None:
    import json

    sys.stdout.write(json.dumps(data) + "\n")


SPEC: Spec[Any] = Spec("modules", ModulesOptions, ("[NAME]",), run, _HELP, free=True)
