"""ssh_config files, read once into sections that are then tried host by host."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hostpool.errors import HostpoolError, Problems, SSHConfigError

from .criteria import Criterion
from .directive import Directive, Place, read_line
from .keywords import Kind
from .local import Local
from .patterns import has_wildcard, matcher
from .target_names import local_tokens
from .tokens import ExpansionError, expand_environment, expand_percent, expand_tilde

SYSTEM_DIRECTORY = "/etc/ssh"
MAX_DEPTH = 16
"""As in OpenSSH (READCONF_MAX_DEPTH)."""


class HostPatterns:
    """The patterns of a ``Host`` line: one positive hit and no negated one."""

    __slots__ = ("negated", "positive", "words")

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self.positive = [matcher(word) for word in words if not word.startswith("!")]
        self.negated = [matcher(word[1:]) for word in words if word.startswith("!")]

    def match(self, host: str) -> bool:
        for matches in self.positive:  # a plain loop: asked for every host and section
            if matches(host):
                return not any(negated(host) for negated in self.negated)
        return False

    @property
    def literal(self) -> bool:
        return not self.negated and not any(has_wildcard(word) for word in self.words)


class Section:
    """What follows a Host or Match line (or the beginning of a file, ``condition`` None)."""

    __slots__ = ("condition", "items", "place")

    def __init__(self, condition: HostPatterns | tuple[Criterion, ...] | None, place: Place | None) -> None:
        self.condition = condition
        self.place = place
        self.items: list[Directive | FileProgram] = []


class FileProgram:
    """One file. ``candidates`` leaves out the sections that cannot match by their names."""

    __slots__ = ("_by_name", "_others", "path", "sections")

    def __init__(self, path: str) -> None:
        self.path = path
        self.sections: list[Section] = []
        self._by_name: dict[str, list[int]] = {}
        self._others: list[int] = []

    def index(self) -> None:
        for number, section in enumerate(self.sections):
            condition = section.condition
            if isinstance(condition, HostPatterns) and condition.literal:
                for word in dict.fromkeys(condition.words):
                    self._by_name.setdefault(word, []).append(number)
            else:
                self._others.append(number)

    def candidates(self, host: str) -> list[Section]:
        named = self._by_name.get(host)
        numbers = sorted((*self._others, *named)) if named else self._others
        return [self.sections[number] for number in numbers]


class Loader:
    """Reads files with their Includes; collects what is wrong with all of them."""

    def __init__(self, local: Local, ignored: str = "") -> None:
        self.local = local
        self.ignored = ignored
        self.errors: list[HostpoolError] = []
        self.wants_final_pass = False
        self._open: list[str] = []

    def check(self) -> None:
        """Raises what has been collected: one SSHConfigError, or Problems with all of them."""
        if self.errors:
            raise Problems.of(self.errors)

    def read(self, path: str, *, user: bool, strict: bool) -> FileProgram | None:
        """Reads one file; None if it does not exist or cannot be read.

        ``strict`` refuses files that others could have written, as ssh does.
        """
        try:
            file = Path(path)
            if not file.is_file():
                return None
            text = file.read_bytes().decode("utf-8", "surrogateescape")
        except OSError:
            return None
        if strict and (problem := writable_by_others(path)):
            self.errors.append(SSHConfigError(problem, file=path, hint=f"chmod go-w {path}"))
            return None
        self._open.append(os.path.realpath(path))
        program = self._parse(text, path, user)
        self._open.pop()
        return program

    def _parse(self, text: str, path: str, user: bool) -> FileProgram:
        program = FileProgram(path)
        section = Section(None, None)
        program.sections.append(section)
        for number, line in enumerate(text.split("\n"), 1):
            place = Place(path, number, line.rstrip("\r"), user)
            try:
                directive = read_line(line, place, self.ignored)
                if directive is None:
                    continue
                kind = directive.keyword.kind
                if kind in (Kind.HOST, Kind.MATCH):
                    section = self._section(directive)
                    program.sections.append(section)
                elif kind is Kind.INCLUDE:
                    section.items += self._include(directive)
                else:
                    if directive.keyword.key == "ignoreunknown":
                        self.ignored = ",".join(filter(None, (self.ignored, directive.value)))
                    section.items.append(directive)
            except HostpoolError as error:
                self.errors.append(error)
        program.index()
        return program

    def _section(self, directive: Directive) -> Section:
        if directive.keyword.kind is Kind.HOST:
            return Section(HostPatterns(directive.value), directive.place)
        self.wants_final_pass |= any(criterion.name == "final" for criterion in directive.value)
        return Section(directive.value, directive.place)

    def _include(self, directive: Directive) -> list[FileProgram]:
        import glob

        programs = []
        for word in directive.value:
            # pathlib has no glob for a pattern that begins with a wildcard directory or is absolute.
            for path in sorted(glob.glob(self._include_pattern(word, directive.place))):  # noqa: PTH207
                if os.path.realpath(path) in self._open or len(self._open) > MAX_DEPTH:
                    raise directive.place.error(
                        f"{path} leads in a circle, or more than {MAX_DEPTH} files deep"
                    )
                program = self.read(path, user=directive.place.user, strict=True)
                if program is not None:
                    programs.append(program)
        return programs

    def _include_pattern(self, word: str, place: Place) -> str:
        local = self.local
        if word.startswith("~") and not place.user:
            raise place.error("a system-wide file cannot include from a home directory")
        try:
            word = expand_percent(expand_environment(word, local.env), local_tokens(local), "diLlu")
            word = expand_tilde(word, local.home)
        except ExpansionError as error:
            raise place.error(
                f"Include: {error}", "tokens that differ by host cannot choose a file here"
            ) from None
        return str(Path(local.ssh_directory if place.user else SYSTEM_DIRECTORY, word))


def writable_by_others(path: str) -> str | None:
    """What is wrong with the owner or mode of a configuration file, None if nothing.

    A group may write if it is the owner's private one (same name as the user), as Debian's ssh allows.
    """
    status = Path(path).stat()
    if status.st_uid not in (0, os.getuid()):
        return "the file belongs to another user"
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _private_group(status)):
        return "the file can be written by others"
    return None


def _private_group(status: os.stat_result) -> bool:
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and set(group.gr_mem) <= {owner.pw_name}
