"""Which sections hold for a host: the files' lines, applied in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .criteria import Criterion, Facts, hold
from .directive import Place
from .local import Local
from .program import FileProgram, HostPatterns, Section
from .settings import Settings
from .target_names import connect_name, token_values
from .tokens import ExpansionError, expand_percent

Answer = Callable[[str, Place], bool]


class Undecided(Exception):
    """The configuration turns on something that only OpenSSH itself can decide."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what


class Evaluation:
    """One pass over all files for one host; ``answer`` runs the commands of Match exec.

    ``host`` is what Host lines match: the name asked for, in the final pass the name to connect to.
    """

    def __init__(
        self, settings: Settings, local: Local, answer: Answer, host: str, original: str, *, final: bool
    ) -> None:
        self.settings = settings
        self.local = local
        self.answer = answer
        self.host = host
        self.original = original
        self.final = final

    def run(self, programs: Iterable[FileProgram]) -> None:
        for program in programs:
            self._file(program)

    def _file(self, program: FileProgram) -> None:
        for section in program.candidates(self.host):
            if self._active(section):
                for item in section.items:
                    if isinstance(item, FileProgram):
                        self._file(item)
                    else:
                        self.settings.apply(item)

    def _active(self, section: Section) -> bool:
        condition = section.condition
        if condition is None:
            return True
        if isinstance(condition, HostPatterns):
            return condition.match(self.host)
        assert section.place is not None
        return self._matches(condition, section.place)

    def _matches(self, criteria: tuple[Criterion, ...], place: Place) -> bool:
        unknown = next((criterion for criterion in criteria if not criterion.known), None)
        facts = self._facts()
        if unknown is None:
            return hold(criteria, facts, lambda command: self._exec(command, facts, place))
        decidable = tuple(item for item in criteria if item.known and item.name != "exec")
        if not hold(decidable, facts, lambda command: False):
            return False
        raise Undecided(place, f"the Match criterion {unknown.name!r} is not decided here")

    def _facts(self) -> Facts:
        settings, local = self.settings, self.local
        return Facts(
            host=self.host if self.final else connect_name(settings, self.host),
            original=self.original,
            user=settings.value("user", local.user),
            local_user=local.user,
            tag=settings.value("tag", ""),
            final=self.final,
        )

    def _exec(self, command: str, facts: Facts, place: Place) -> bool:
        jumps = self.settings.value("proxyjump")
        tokens = token_values(
            self.local,
            original=self.original,
            hostname=facts.host,
            port=self.settings.value("port", 22),
            user=facts.user,
            alias=self.settings.value("hostkeyalias", facts.host),
            jump=jumps[-1].host if jumps else "",
        )
        try:
            expanded = expand_percent(command, tokens)
        except ExpansionError as error:
            raise place.error(f"Match exec: {error}") from None
        return self.answer(expanded, place)
