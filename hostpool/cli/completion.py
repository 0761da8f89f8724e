"""What Tab offers for PATTERN: groups and hosts of the inventory that the line names so far."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from typer._click.core import Context

from hostpool.cli import values

_SEPARATOR = re.compile(r".*[:,!&]")
_MOST = 500


def names(ctx: Context, incomplete: str) -> list[tuple[str, str]]:
    """Candidates for the name at the end of a pattern. A shell's question never gets an error."""
    if not _continues(ctx.meta["parts"].words):
        return []
    typed = _SEPARATOR.match(incomplete)
    before = typed.group() if typed else ""
    start = incomplete[len(before) :]
    return [(before + name, help_line) for name, help_line in _known(ctx.params) if name.startswith(start)][
        :_MOST
    ]


def _continues(words: list[str]) -> bool:
    """Whether the pattern is still being typed. bash splits words at colons: ``a : b`` is ``a:b``."""
    return not words or (len(words) % 2 == 0 and all(word == ":" for word in words[1::2]))


def _known(params: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        from hostpool.cli.config import merged
        from hostpool.cli.inventories import loaded
        from hostpool.cli.options import Sources

        named = (
            {"inventory": tuple(map(values.source, params["inventory"]))} if params.get("inventory") else {}
        )
        # Programs are not run for a Tab, whoever named them.
        inventory = loaded(replace(merged(Sources, named), inventory_typed=False))
    except Exception:  # a half-typed line, a broken inventory: no candidates
        return []
    groups = [(name, "group") for name in inventory.groups]
    return [*groups, *((name, "host") for name in inventory.hosts)]
