"""Cutting a line of an ssh_config file into words, as OpenSSH's ``strdelim`` and ``argv_split`` do.

A backslash before the end of a line does not continue it: OpenSSH has no line continuation.
"""

from __future__ import annotations

import msgspec

WHITESPACE = " \t\r\n"


class UnbalancedQuotes(ValueError):
    """A quote was opened and never closed."""


class Line(msgspec.Struct, frozen=True):
    """``keyword`` in lower case; ``rest`` is everything after it, untouched."""

    keyword: str
    rest: str


def split_keyword(text: str) -> Line | None:
    """The keyword of a line and what follows it; None for a blank line or a comment."""
    text = text.rstrip(WHITESPACE + "\f").lstrip(WHITESPACE)
    if not text or text[0] == "#":
        return None
    keyword, rest = delimited(text)
    if not keyword:
        return None
    return Line(keyword.lower(), rest.lstrip(WHITESPACE))


def delimited(text: str) -> tuple[str, str]:
    """The first word and the rest. Words end at white space or one ``=``; double quotes protect.

    An unclosed quote gives an empty word and no rest.
    """
    for at, char in enumerate(text):
        if char == '"':
            end = text.find('"', at + 1)
            if end < 0:
                return "", ""
            return text[:at] + text[at + 1 : end], text[end + 1 :].lstrip(WHITESPACE)
        if char in WHITESPACE or char == "=":
            rest = text[at + 1 :].lstrip(WHITESPACE)
            if char != "=" and rest.startswith("="):
                rest = rest[1:].lstrip(WHITESPACE)
            return text[:at], rest
    return text, ""


def split_arguments(text: str) -> list[str]:
    """All words of ``text``; ``'`` and ``"`` quote, a backslash escapes them, itself and a space.

    A ``#`` at the beginning of a word ends the line. Raises UnbalancedQuotes.
    """
    if not any(char in text for char in "\"'\\#"):
        return [word for word in text.replace("\t", " ").split(" ") if word]
    words: list[str] = []
    at, size = 0, len(text)
    while at < size:
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _word(text, at)
            words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str, int]:
    letters: list[str] = []
    quote = ""
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "\\" and following and (following in "'\"\\" or (not quote and following == " ")):
            letters.append(following)
            at += 1
        elif not quote and char in " \t":
            break
        elif not quote and char in "\"'":
            quote = char
        elif quote and char == quote:
            quote = ""
        else:
            letters.append(char)
        at += 1
    if quote:
        raise UnbalancedQuotes(f"a {quote} is opened and never closed")
    return "".join(letters), at
