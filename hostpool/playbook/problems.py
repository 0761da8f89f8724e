"""All that is wrong with a playbook's files, collected in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hostpool.errors import HostpoolError, PlaybookError, Problems
from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest

NOT_SUPPORTED = "not_supported"
"""The kind of what Ansible has and hostpool has not."""


def problem(place: Place, message: str, hint: str | None = None, kind: str | None = None) -> PlaybookError:
    return PlaybookError(
        message,
        hint=hint,
        file=place.file,
        line=place.line,
        column=place.column,
        source=place.text,
        kind=kind,
    )


class Collector:
    """Takes problems as they are found; each place and message counts once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], PlaybookError] = {}

    @property
    def found(self) -> list[PlaybookError]:
        """In the order of their files' first problems, then of lines."""
        files = list(dict.fromkeys(error.file for error in self._found.values()))
        return sorted(self._found.values(), key=lambda e: (files.index(e.file), e.line or 0, e.column or 0))

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What is found inside is not told."""
        before = dict(self._found)
        try:
            yield
        finally:
            self._found = before

    def add(self, error: HostpoolError) -> None:
        if isinstance(error, Problems):
            for each in error.errors:
                self.add(each)
            return
        if not isinstance(error, PlaybookError):
            error = PlaybookError(
                error.message,
                hint=error.hint,
                file=error.file,
                line=error.line,
                column=error.column,
                source=error.source,
            )
        self._found.setdefault((error.where(), error.message), error)

    def say(self, place: Place, message: str, hint: str | None = None) -> None:
        self.add(problem(place, message, hint))

    def refuse(self, place: Place, what: str, hint: str | None = None) -> None:
        """``what`` is known to Ansible but not to us."""
        self.add(problem(place, f"{what}: not supported", hint, NOT_SUPPORTED))

    def unknown(self, place: Place, kind: str, name: str, known: Iterable[str]) -> None:
        near = nearest(name, known)
        self.say(place, f"unknown {kind} {name!r}", f"did you mean {near}?" if near else None)

    def raise_any(self) -> None:
        """Raises what was found: a PlaybookError, or Problems."""
        if self._found:
            raise Problems.of(list(self.found))
