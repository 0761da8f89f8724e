"""``module: key=value key="two words" rest``: arguments in one text, split as Ansible splits them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)
_ESCAPES = r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[nrtabfv\\'\"])"
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def words(text: str) -> Iterator[tuple[int, int]]:
    """Where the words stand: white space inside quotes or templates divides nothing.

    Raises ValueError for a quote or a template that is not closed.
    """
    start: int | None = None
    quote = closing = inner = ""
    position = 0
    while position < len(text):
        char, two = text[position], text[position : position + 2]
        width = 1
        if closing:
            if inner:
                inner = "" if char == inner else inner
            elif char in "'\"" and closing != "#}":
                inner = char
            elif two == closing:
                closing, width = "", 2
        elif two in _OPENING:
            closing, width = _OPENING[two], 2
        elif quote:
            if char == "\\":
                width = 2
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "\\":
            width = 2
        elif char.isspace():
            if start is not None:
                yield start, position
                start = None
            position += 1
            continue
        if start is None:
            start = position
        position += width
    if quote or closing:
        raise ValueError(f"{quote or closing} is missing at the end of {text.strip()[:60]!r}")
    if start is not None:
        yield start, len(text)


def unquoted(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        return word[1:-1]
    return word


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "xu" and len(code) > 1:
            return chr(int(code[1:], 16))
        return _SIMPLE.get(code, code)

    return re.sub(_ESCAPES, one, text)


def parse(text: str, only: frozenset[str] | None = None) -> tuple[dict[str, str], str]:
    """The ``key=value`` words, and what is left of the text, as it stood.

    ``only``: nothing else is a key (the rest of a command may well hold ``=``).
    Raises ValueError as ``words`` does.
    """
    found: dict[str, str] = {}
    rest = []
    last = 0
    for start, end in words(text):
        word = text[start:end]
        key = _KEY.match(word)
        if key is not None and (only is None or key[1] in only):
            found[key[1]] = (
                _unescaped(unquoted(word[key.end() :])) if only is None else unquoted(word[key.end() :])
            )
            rest.append(text[last:start].rstrip())
            last = end
    rest.append(text[last:])
    return found, "".join(rest).strip()
