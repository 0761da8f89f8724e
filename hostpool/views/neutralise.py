"""Makes a host's text safe to show on a terminal: it can print, and do nothing else.

A host is hostile. Its output may move the cursor over other hosts' lines, retitle the window, answer
for the keyboard, or reverse the reading order (CVE-2021-42574, "Trojan Source"). So everything that is
not printing, but ``\\n`` and ``\\t``, is shown instead of sent:

- C0 controls and DEL in caret notation (``^[``, ``^M``, ``^?``); CR LF counts as one line end;
- C1 controls as ``\\x9b``; format characters (bidirectional overrides and marks, zero-width characters,
  soft hyphens, tags, line and paragraph separators) and lone surrogates as ``\\u202e``.

One exception: a host's colours are dropped in silence, since the coloured output of ``ls`` or ``grep`` is
common and its letters mean the same without. That is well-formed SGR (ECMA-48 8.3.117), ``ESC [ K`` as
grep appends it (it erases to the right, where nothing stands yet) and ``ESC ( B`` of ``tput sgr0``.
"""

from __future__ import annotations

import re
from functools import cache

_UNUSUAL = re.compile(r"[^\n\t\x20-\x7e]")
_COLOUR = r"\x1b\[[0-9;:]*m|\x1b\[0?K|\x1b\(B"
_CONTROL = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
)


@cache
def _harmful() -> re.Pattern[str]:
    """Compiled when a text first needs it: most runs see none, and it takes as long as ten others."""
    return re.compile(rf"{_COLOUR}|\r\n|[{_CONTROL}]")


def _shown(match: re.Match[str]) -> str:
    text = match.group()
    if text == "\r\n":
        return "\n"
    if len(text) > 1:
        return ""
    code = ord(text)
    if code < 0x20:
        return "^" + chr(code + 0x40)
    if code == 0x7F:
        return "^?"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def neutralise(text: str) -> str:
    """``text`` with everything visible that would not print; idempotent. Lines keep their length."""
    if _UNUSUAL.search(text) is None:
        return text
    return _harmful().sub(_shown, text)


def one_line(text: str) -> str:
    """As `neutralise`, for names and cells: line ends and tabs are shown too (``^J``, ``^I``)."""
    text = neutralise(text)
    if "\n" in text or "\t" in text:
        return text.replace("\n", "^J").replace("\t", "^I")
    return text
