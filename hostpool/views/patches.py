"""How hunks over hosts are shown: below the hosts that have them, and not more than one can read."""

from __future__ import annotations

from collections.abc import Iterator

from hostpool.views.fold import names
from hostpool.views.hunks import Block, Hunks
from hostpool.views.neutralise import one_line
from hostpool.views.words import indented
from hostpool.views.writer import Writer

LONGEST = 100
"""Lines of one hunk; of a longer one the first are shown."""
MOST = 1000
"""Lines of all hunks of a report, before the rest is only counted."""
_STYLE = {"-": "31", "+": "32", "@": "36"}


class Patches:
    """Each block is shown once: by ``of`` or among the ``rest``. ``whole`` cuts nothing."""

    def __init__(self, hunks: Hunks, writer: Writer, *, whole: bool) -> None:
        self._hunks = hunks
        self._writer = writer
        self._whole = whole
        self._blocks = list(hunks.blocks())
        self._lines_left = MOST
        self._unshown: list[Block] = []

    def of(self, hosts: list[str], *, bare: bool = False) -> str:
        """What just these hosts have in common; ``bare``: to be read by ``patch``."""
        found = [block for block in self._blocks if block.hosts == hosts]
        self._blocks = [block for block in self._blocks if block.hosts != hosts]
        return "".join(map(self._text if bare else self._shown, found))

    def rest(self) -> Iterator[str]:
        """Block by block, its hosts above it; then how much was too much."""
        for block in self._blocks:
            if text := self._shown(block):
                yield f"{self._writer.paint(one_line(names(block.hosts)), '1')} diff\n{text}"
        self._blocks = []
        if self._unshown:
            hosts = list(dict.fromkeys(host for block in self._unshown for host in block.hosts))
            count = sum(len(block.hunks) for block in self._unshown)
            what = "1 more hunk" if count == 1 else f"{count} more hunks"
            yield f"{one_line(names(hosts))} diff: {what}; --no-fold shows all\n"

    def _shown(self, block: Block) -> str:
        if self._lines_left <= 0 and not self._whole:
            self._unshown.append(block)
            return ""
        text = self._text(block)
        self._lines_left -= text.count("\n")
        return indented(text)

    def _text(self, block: Block) -> str:
        parts = []
        file = ""
        for hunk in block.hunks:
            parts += [hunk.file if hunk.file != file else "", hunk.place, self._cut(self._hunks.body(hunk))]
            file = hunk.file
        lines = "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)
        return "".join(self._writer.paint(line, _STYLE.get(line[:1], "")) for line in lines.splitlines(True))

    def _cut(self, body: str) -> str:
        lines = body.split("\n")
        left = len(lines) - 1 - LONGEST
        if self._whole or left <= 0:
            return body
        return "\n".join(lines[:LONGEST]) + f"\n… {left} more lines\n"
