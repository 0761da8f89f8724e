"""The page of limits names every keyword that is honoured or not, as the code has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostpool.openssh.keywords import KEYWORDS, Kind
from hostpool.openssh.limits import LIMITS

PAGE = (Path(__file__).parents[2] / "docs" / "ssh_config.md").read_text()
HONOURED = PAGE.partition("## Honoured")[2].partition("## ")[0]
NOT_DONE = PAGE.partition("## Not done")[2].partition("## ")[0]
STRUCTURE = (Kind.HOST, Kind.MATCH, Kind.INCLUDE, Kind.UNUSED)
ELSEWHERE = ("batchmode", "tcpkeepalive", "ignoreunknown", "canonicalizehostname", "localcommand")


@pytest.mark.parametrize("key", LIMITS)
def test_every_limit_is_on_the_page(key: str) -> None:
    assert f"`{KEYWORDS[key].name}`" in NOT_DONE


@pytest.mark.parametrize("key", sorted(key for key, word in KEYWORDS.items() if word.kind not in STRUCTURE))
def test_every_keyword_we_keep_is_on_the_page(key: str) -> None:
    if KEYWORDS[key].key in ELSEWHERE:
        assert f"`{KEYWORDS[key].name}" in PAGE
    else:
        assert f"`{KEYWORDS[key].name}`" in (NOT_DONE if KEYWORDS[key].key in LIMITS else HONOURED)
