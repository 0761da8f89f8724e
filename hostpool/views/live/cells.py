"""Text by the cells it takes on a terminal: East Asian wide characters and emoji take two."""

from __future__ import annotations

from rich.cells import get_character_cell_size


def width(text: str) -> int:
    """Cells of ``text``, which holds no controls."""
    return len(text) if text.isascii() else sum(map(get_character_cell_size, text))


def fit(text: str, cells: int) -> str:
    """``text`` in at most ``cells`` cells; an ellipsis says that some is missing."""
    if cells <= 0:
        return ""
    text = text[: 4 * cells + 1]
    if width(text) <= cells:
        return text
    used = 0
    for at, character in enumerate(text):
        size = get_character_cell_size(character)
        if used + size > cells - 1:
            return text[:at] + "…"
        used += size
    return text


def padded(text: str, cells: int) -> str:
    """``text`` in exactly ``cells`` cells."""
    text = fit(text, cells)
    return text + " " * (cells - width(text))
