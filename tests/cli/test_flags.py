"""Options are made by keyword and never changed."""

from __future__ import annotations

import dataclasses

import pytest

from hostpool.cli.options import RunOptions, Showing


def test_what_is_not_said_has_its_default() -> None:
    options = RunOptions(quiet=True)
    assert (options.quiet, options.verbose, options.inventory, options.syslog) == (True, 0, (), True)


def test_options_are_frozen_and_know_their_fields() -> None:
    options = Showing(quiet=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.quiet = False  # type: ignore[misc]  # that is what is tested
    with pytest.raises(dataclasses.FrozenInstanceError):
        del options.quiet
    with pytest.raises(TypeError, match="become"):
        Showing(become=True)  # type: ignore[call-arg]  # likewise
    assert dataclasses.replace(options, verbose=2).quiet
