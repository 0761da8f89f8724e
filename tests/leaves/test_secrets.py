"""Masking by value, also across the borders of chunks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.secrets import MASK, MaskedStream, Masker, Secret

secret_values = st.text(alphabet="abcdefghij0123456789", min_size=6, max_size=12)


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2hunter2"
    assert secret == Secret("hunter2hunter2") and secret != Secret("other1")


@given(secret_values, st.text(max_size=30), st.text(max_size=30), st.data())
def test_no_cut_of_the_stream_lets_a_secret_through(
    value: str, before: str, after: str, data: st.DataObject
) -> None:
    text = before + value + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    stream = MaskedStream(Masker([value]))
    shown = "".join(stream.feed(piece) for piece in pieces) + stream.close()
    assert value not in shown
    assert shown == Masker([value]).mask(text)


@settings(max_examples=400)
@given(
    st.lists(st.text(alphabet="ab", min_size=6, max_size=9), min_size=1, max_size=4),
    st.text(alphabet="abc", max_size=60),
    st.data(),
)
def test_pieces_are_masked_as_the_whole_is(values: list[str], text: str, data: st.DataObject) -> None:
    """Secrets that begin, end or lie within each other, cut anywhere."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    masker = Masker(values)
    stream = MaskedStream(masker)
    shown = "".join(stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
    assert shown + stream.close() == masker.mask(text)


def test_text_without_secrets_passes_unchanged_and_at_once() -> None:
    stream = MaskedStream(Masker(["topsecret"]))
    assert stream.feed("nothing to hide\n") == "nothing to hide\n"
    assert stream.close() == ""


def test_short_values_are_not_masked_and_longer_ones_win() -> None:
    masker = Masker(["abc", "password", "password-longer"])
    assert masker.mask("abc password-longer password") == f"abc {MASK} {MASK}"


def test_each_line_of_a_key_is_a_secret() -> None:
    assert Masker(["first line\nsecond line"]).mask("saw second line") == f"saw {MASK}"


DIGITS = st.text(alphabet="0123456789", min_size=6, max_size=12)
LETTERS = st.text(alphabet="abcé \n", min_size=1, max_size=8)


@settings(max_examples=400)
@given(st.lists(DIGITS, min_size=1, max_size=4), st.data())
def test_of_a_part_no_piece_of_a_secret_is_shown(values: list[str], data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.tuples(LETTERS, st.sampled_from(values)), min_size=1, max_size=5))
    text = "".join(before + value for before, value in pieces) + data.draw(LETTERS)
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    shown = Masker(values).mask_part(text[begin:end], left=True, right=True)
    assert not any(digit in shown for digit in "0123456789")
    # Nothing else is missing.
    letters = [letter for letter in text[begin:end] if not letter.isdigit()]
    assert [letter for letter in shown if letter != "*"] == letters


def test_of_a_part_that_is_shown_for_a_moment_a_letter_or_two_stay() -> None:
    masker = Masker(["secret"])
    assert masker.mask_part("td, the sec", left=True, right=True, least=4) == "td, the sec"
    assert masker.mask_part("cret, the secr", left=True, right=True, least=4) == ", the "
