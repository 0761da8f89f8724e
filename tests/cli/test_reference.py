"""Every command, flag and setting is documented, and the help fits where it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostpool.cli.command import Command
from tests.cli import reference


@pytest.mark.parametrize("page", reference.PAGES, ids=lambda page: page.name)
def test_the_page_says_what_the_commands_say(page: Path) -> None:
    assert page.read_text("utf-8") == reference.renewed(page), "python -m tests.cli.reference renews it"


def test_every_flag_has_a_help_and_no_name_is_taken_twice() -> None:
    for ctx, command in reference.commands():
        if not isinstance(command, Command):
            continue
        names = [name for flag in command.spec.flags for name in (*flag.names, *flag.hidden)]
        assert len(names) == len(set(names)), ctx.command_path
        assert all(flag.help for flag in command.spec.flags), ctx.command_path


def test_help_fits_80_columns() -> None:
    for ctx, command in reference.commands():
        too_long = [line for line in command.get_help(ctx).splitlines() if len(line) > 80]
        assert not too_long, f"{ctx.command_path}: {too_long}"


def test_a_bare_timeout_is_no_flag_anywhere() -> None:
    for _, command in reference.commands():
        if isinstance(command, Command):
            assert "--timeout" not in command.spec.grammar.names
