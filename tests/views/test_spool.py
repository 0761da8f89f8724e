"""What is put in comes out again, from memory or from a file."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.views import spool
from hostpool.views.spool import Spool


@given(st.lists(st.text(alphabet=st.characters()), max_size=10))
def test_round_trip(texts: list[str]) -> None:
    with closing(Spool()) as kept:
        slots = [kept.put_text(text) for text in texts]
        assert [kept.get_text(slot) for slot in slots] == texts


def test_a_file_takes_over_where_memory_should_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 10)
    with closing(Spool()) as kept:
        slots = [kept.put(bytes([n]) * 4) for n in range(10)]
        assert kept.get(slots[0]) == b"\0\0\0\0"
        slots.append(kept.put(b"end"))
        assert [kept.get(slot) for slot in slots] == [bytes([n]) * 4 for n in range(10)] + [b"end"]
