"""What a host said, cut to what fits into an error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hostpool.errors import excerpt

TEXTS = st.text(st.sampled_from("ab \n"), max_size=40)


@given(TEXTS, st.integers(2, 30), st.booleans())
def test_only_whole_words_are_left(text: str, size: int, end: bool) -> None:
    cut = excerpt(text, size, end=end)
    if len(text) <= size:
        assert cut == text
        return
    assert len(cut) <= size
    kept = cut.removeprefix("…") if end else cut.removesuffix("…")
    assert kept != cut
    assert text.endswith(kept) if end else text.startswith(kept)
    rest = text[: len(text) - len(kept)] if end else text[len(kept) :]
    assert not kept or (rest[-1:] if end else rest[:1]).isspace()


def test_a_word_too_long_for_all_leaves_nothing() -> None:
    assert excerpt("x" * 300) == "…"
    assert excerpt("sudo: " + "x" * 300) == "sudo:…"
    assert excerpt("x" * 300 + " said", end=True) == "…said"
