"""The lines of an INI file, and one option or section of it made as wished."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_NOTHING = re.compile(r"[ \t]*([#;].*)?$")
_Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Wish:
    """``conditions``: (option, values) that the section must have. ``assign`` formats a line, ``bare``
    allows an option without a value, ``commented`` takes lines that are commented out for the option."""

    section: str | None
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    option: str | None
    values: tuple[str, ...]
    present: bool
    exclusive: bool
    assign: str
    ignore_spaces: bool
    bare: bool
    commented: bool


class Ini:
    """``apply`` leaves the new ``lines``, and in ``message`` and ``changed`` what became of them."""

    def __init__(self, lines: list[str], wish: Wish) -> None:
        self.lines = lines or ["\n"]
        self.message = "OK"
        self.changed = False
        self._wish = wish
        if not self.lines[-1].endswith("\n"):
            self.lines[-1] += "\n"
            self.changed = True

    def apply(self) -> None:
        place = self._section()
        if place is None:
            if self._wish.present:
                self._append_section()
            return
        start, end = place
        body = self.lines[start + 1 : end]
        if self._wish.option is None:
            if not self._wish.present:
                del self.lines[max(start, 0) : end]
                self._say("section removed")
            return
        body = self._with_option(body) if self._wish.present else self._without_option(body)
        self.lines[start + 1 : end] = body

    def _say(self, message: str) -> None:
        self.message, self.changed = message, True

    def _section(self) -> tuple[int, int] | None:
        """The lines of its header (-1: what precedes all headers) and of its end."""
        wish = self._wish
        starts = [-1]
        if wish.section is not None:
            header = re.compile(rf"\[\s*{re.escape(wish.section.strip())}\s*\]")
            starts = [number for number, line in enumerate(self.lines) if header.match(line)]
        for start in starts:
            heads = (n for n in range(start + 1, len(self.lines)) if self.lines[n].startswith("["))
            end = next(heads, len(self.lines))
            if self._holds(self.lines[start + 1 : end]):
                return start, end
        return None

    def _holds(self, body: list[str]) -> bool:
        for option, values in self._wish.conditions:
            matches = [match for line in body if (match := _matcher(option, commented=True)(line))]
            if not any(not values or match["value"] in values for match in matches):
                return False
        return True

    def _with_option(self, body: list[str]) -> list[str]:
        wish = self._wish
        assert wish.option is not None
        matches = _matcher(wish.option, commented=wish.commented)
        left = list(wish.values)
        done: set[int] = set()
        bare_there = False
        for number, line in enumerate(body):
            match = matches(line)
            if match is None:
                continue
            value = match["value"]
            if left and value in left:
                left.remove(value)
                bare = not value and wish.bare
                bare_there = bare_there or bare
                body[number] = self._line(line, f"{wish.option}\n" if bare else self._assigned(value))
                done.add(number)
            elif not left and wish.bare:
                body[number] = self._line(line, f"{wish.option}\n")
                done.add(number)
                bare_there = True
                break
        if wish.exclusive and not wish.bare:
            others = [number for number, line in enumerate(body) if number not in done and matches(line)]
            for number in others[: len(left)]:
                body[number] = self._line(body[number], self._assigned(left.pop(0)))
                done.add(number)
            kept = [line for n, line in enumerate(body) if n in done or not matches(line)]
            if len(kept) < len(body):
                self._say("option changed")
            body = kept
        new = [self._assigned(value) for value in left]
        if not wish.values and wish.bare and not bare_there:
            new = [f"{wish.option}\n"]
        if new:
            active = [number for number, line in enumerate(body) if not _NOTHING.match(line)]
            place = active[-1] + 1 if active else 0
            body[place:place] = new
            self._say("option added")
        return body

    def _assigned(self, value: str) -> str:
        return self._wish.assign.format(self._wish.option, value)

    def _line(self, old: str, new: str) -> str:
        """``new``, unless the old line is as good."""
        assert self._wish.option is not None
        if self._wish.ignore_spaces:
            before, after = (_matcher(self._wish.option, commented=True)(line) for line in (old, new))
            if before and after and not before["off"] and before["value"] == after["value"]:
                return old
        if old != new:
            self._say("option changed")
        return new

    def _without_option(self, body: list[str]) -> list[str]:
        wish = self._wish
        assert wish.option is not None
        matches = _matcher(wish.option, commented=False)

        def goes(line: str) -> bool:
            match = matches(line)
            return match is not None and (wish.exclusive or match["value"] in wish.values)

        kept = [line for line in body if not goes(line)]
        if len(kept) < len(body):
            self._say("option changed")
        return kept

    def _append_section(self) -> None:
        wish = self._wish
        new = [f"[{wish.section}]\n"] if wish.section is not None else []
        values = list(wish.values)
        for option, wanted in wish.conditions:
            if option != wish.option:
                bare = [f"{option}\n"] if wish.bare and not wanted else []
                new += [wish.assign.format(option, value) for value in wanted] or bare
            elif not wish.exclusive:
                values += [value for value in wanted if value not in values]
        if wish.option and values:
            new += [self._assigned(value) for value in values]
        elif wish.option and wish.bare:
            new.append(f"{wish.option}\n")
        self._say("section and option added" if wish.option else "only section added")
        self.lines += new


def _matcher(option: str, *, commented: bool) -> Callable[[str], _Match | None]:
    off = "[#;]?" if commented else ""
    return re.compile(rf"[ \t]*(?P<off>{off})[ \t]*{re.escape(option)}[ \t]*(?:=|$)[ \t]*(?P<value>.*)").match
