"""Hostile text prints, and does nothing else."""

from __future__ import annotations

from unicodedata import category

import pyte
import pyte.modes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.views.neutralise import neutralise, one_line

TERMINAL_CODES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\x1b[",
                b"\x1b]",
                b"\x1b",
                b"\x9b",
                b"\xc2\x9b",
                b"\x07",
                b"\r",
                b"\n",
                b"m",
                b"H",
                b"31",
                b";",
            ]
        ),
        st.sampled_from(
            [b"\x1b[31m", b"\x1b[2J", b"\x1b[5;5H", b"\x1b]0;t\x07", b"\x1b[2;4r", b"\x0e", b"\x1bc"]
        ),
        st.binary(max_size=6),
        st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ~ text\n\tindented", "plain ~ text\n\tindented"),
        ("Grüße, 日本 🚀", "Grüße, 日本 🚀"),
        ("\x1b[2J", "^[[2J"),
        ("\x00\x07\x7f", "^@^G^?"),
        ("\x9b2J", "\\x9b2J"),
        ("10%\r20%", "10%^M20%"),
        ("dos\r\nfile\r\n", "dos\nfile\n"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b", "a\\u2028b"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
        ("\x1b[01;31m\x1b[Kmatch\x1b[m\x1b[K", "match"),
        ("\x1b[38:2::1:2:3mred\x1b(B\x1b[m", "red"),
        ("\x1b\x1b[m[2J", "^[[2J"),
        ("\x1b[31", "^[[31"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert neutralise(text) == shown


def test_a_name_stays_on_its_line() -> None:
    assert one_line("a\nb\tc\x1b[2J") == "a^Jb^Ic^[[2J"


@settings(max_examples=300, deadline=None)
@given(TERMINAL_CODES)
def test_a_terminal_only_prints(data: bytes) -> None:
    text = neutralise(data.decode("utf-8", "surrogateescape"))
    screen = pyte.Screen(40, 12)
    screen.set_mode(pyte.modes.LNM)
    before = (set(screen.mode), screen.margins, screen.title, screen.icon_name, screen.charset)
    stream = pyte.Stream(screen)
    row = 0
    for character in text:
        stream.feed(character)
        assert screen.cursor.y >= row, "the cursor went up"
        row = screen.cursor.y
    assert (set(screen.mode), screen.margins, screen.title, screen.icon_name, screen.charset) == before
    assert screen.cursor.attrs == screen.default_char
    assert all(
        cell._replace(data=" ") == screen.default_char
        for line in screen.buffer.values()
        for cell in line.values()
    )


@settings(max_examples=200, deadline=None)
@given(TERMINAL_CODES)
def test_only_safe_characters_remain_and_no_second_pass_is_needed(data: bytes) -> None:
    text = neutralise(data.decode("utf-8", "surrogateescape"))
    assert all(
        character in "\n\t" or category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in text
    )
    assert neutralise(text) == text
    text.encode()


def test_a_long_line_keeps_its_length() -> None:
    line = "x" * 1_000_000
    assert neutralise(line) is line
