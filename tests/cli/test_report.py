"""How errors look, and that no text in them can do anything to a terminal."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from hostpool.cli.report import lines, print_error
from hostpool.errors import InventoryError, Problems, UsageError


def test_message_place_source_and_hint() -> None:
    error = InventoryError(
        "unknown key hostss", hint="did you mean hosts?", file="inv.yml", line=3, column=3, source="  hostss:"
    )
    assert list(lines(error)) == [
        "error: inv.yml:3:3: unknown key hostss",
        "    hostss:",
        "    ^",
        "",
        "hint: did you mean hosts?",
    ]


def test_several_are_all_listed() -> None:
    error = Problems("2 problems", errors=(UsageError("a", hint="b"), UsageError("c")))
    assert list(lines(error)) == ["error: a", "", "hint: b", "", "error: c"]


def test_a_long_source_line_is_cut_around_the_caret() -> None:
    source = "x" * 300 + "HERE" + "y" * 300
    shown = list(lines(UsageError("m", line=1, column=301, source=source)))
    assert shown[1][shown[2].index("^") :].startswith("HERE")
    assert len(shown[1]) <= 110


def test_further_lines_are_indented() -> None:
    assert list(lines(UsageError("a\nb"))) == ["error: a", "  b"]


texts = st.text(max_size=30)


@given(texts, texts, texts, st.integers(1, 40))
def test_nothing_but_text_comes_out(message: str, hint: str, source: str, column: int) -> None:
    error = UsageError(message, hint=hint, file="f", line=1, column=column, source=source)
    stream = io.StringIO()
    print_error(error, stream)
    assert all(
        char == "\n" or (char.isprintable() or char == "\t" or ord(char) > 0x9F) for char in stream.getvalue()
    )
    assert stream.getvalue().startswith("error: f:1")
    assert "\x1b" not in stream.getvalue()


def test_what_the_stream_cannot_encode_is_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_error(UsageError("Müller \ud800"), stream)
    stream.seek(0)
    assert stream.read() == "error: M\\xfcller \\ud800\n"


def test_a_broken_stream_is_no_second_error() -> None:
    stream = io.StringIO()
    stream.close()
    print_error(UsageError("x"), stream)
