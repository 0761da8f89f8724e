"""Time expressions of crontab(5), checked, and the same for a systemd timer (systemd.time(7))."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hostpool.errors import UsageError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 7, tuple(_DAYS)),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``text`` as it stands in a crontab; None in the place of a field's values: all of them.
    ``either``: a day of the month or of the week is enough (neither field begins with ``*``)."""

    text: str
    either: bool
    minutes: tuple[int, ...] | None
    hours: tuple[int, ...] | None
    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None

    def calendar(self) -> list[str]:
        """``OnCalendar=`` values that together mean the same."""
        if self.either:
            return [self._calendar(self.days, None), self._calendar(None, self.weekdays)]
        return [self._calendar(self.days, self.weekdays)]

    def _calendar(self, days: tuple[int, ...] | None, weekdays: tuple[int, ...] | None) -> str:
        names = "" if weekdays is None else ",".join(_DAYS[day].capitalize() for day in weekdays) + " "
        date = f"*-{_numbers(self.months)}-{_numbers(days)}"
        return f"{names}{date} {_numbers(self.hours)}:{_numbers(self.minutes)}:00"


def parse(text: str) -> Schedule:
    """Raises UsageError, naming the field that is wrong."""
    plain = " ".join(text.split())
    if plain.startswith("@"):
        return _nickname(plain)
    fields = plain.split(" ")
    if len(fields) != len(_FIELDS):
        raise UsageError(
            f"{text!r} has {len(fields)} fields, a crontab line begins with 5 of time",
            hint="minute, hour, day of the month, month, day of the week, quoted as one word: '*/10 * * * *'",
        )
    minutes, hours, days, months, weekdays = (
        _values(field, value) for field, value in zip(_FIELDS, fields, strict=True)
    )
    if weekdays is not None:
        weekdays = tuple(sorted({day % 7 for day in weekdays}))
        weekdays = None if len(weekdays) == 7 else weekdays
    _refuse_never(days, months, weekdays, text)
    either = days is not None and weekdays is not None and "*" not in (fields[2][0], fields[4][0])
    return Schedule(plain, either, minutes, hours, days, months, weekdays)


def _nickname(text: str) -> Schedule:
    if text.lower() not in _NICKNAMES:
        known = ", ".join(_NICKNAMES)
        also = "; @reboot has no next time" if text.lower() == "@reboot" else ""
        raise UsageError(f"{text!r} is no time of a crontab", hint=f"there are {known}{also}")
    return replace(parse(_NICKNAMES[text.lower()]), text=text)


def _values(field: _Field, text: str) -> tuple[int, ...] | None:
    """Its values in order; None for every one of them."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(field, part, "write a number, a range 1-5, a step */10, a list 1,15 or *")
        star, low, high, step = match.groups()
        first = field.first if star else _number(field, low)
        last = field.last if star else _number(field, high) if high else first
        if step is not None and not star and high is None:
            raise _wrong(field, part, f"a step needs a range: {low}-{field.last}/{step}")
        if last < first:
            raise _wrong(field, part, f"a range goes upward: {last}-{first}")
        if step is not None and int(step) < 1:
            raise _wrong(field, part, "a step of 0 never gets on")
        found.update(range(first, last + 1, int(step or 1)))
    if text == "*" or len(found) == field.last - field.first + 1:
        return None
    return tuple(sorted(found))


def _number(field: _Field, text: str) -> int:
    if text.lower() in field.words:
        return field.words.index(text.lower()) + field.first
    if not text.isdigit() or not field.first <= int(text) <= field.last:
        also = f" or {field.words[0]}-{field.words[-1]}" if field.words else ""
        raise _wrong(field, text, f"it goes from {field.first} to {field.last}{also}")
    return int(text)


def _wrong(field: _Field, text: str, hint: str) -> UsageError:
    return UsageError(f"{text!r} is no {field.name}", hint=hint)


def _refuse_never(
    days: tuple[int, ...] | None, months: tuple[int, ...] | None, weekdays: tuple[int, ...] | None, text: str
) -> None:
    if days is None or months is None or weekdays is not None:
        return
    if all(min(days) > _LENGTHS[month - 1] for month in months):
        raise UsageError(f"{text!r} is a day that never comes", hint="no such month has that many days")


def _numbers(values: tuple[int, ...] | None) -> str:
    if values is None:
        return "*"
    return ",".join(f"{value:02d}" for value in values)
