"""A flag as data, declared once on a field of a dataclass: its names, its help, its parser, and
whether the configuration file and the environment may say it too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

import msgspec

SECTIONS = (
    "Hosts",
    "How many at once, and when to stop",
    "Connection",
    "Another user on the host",
    "The task",
    "Output",
)
"""The headings of a command's help, in order."""

CRON = "From cron"
_EVERY_SECTION = (*SECTIONS, CRON)
_FLAG = "flag"


class Flag(msgspec.Struct, frozen=True):
    """``metavar`` None: a switch. ``many``: may be repeated, its field is a tuple. ``counted``: so is
    it, and its field is how often. ``config``: the key is the long name, the variable ``HOSTPOOL_…``.
    ``typed`` False: only those two have it, the command line has not."""

    field: str
    names: tuple[str, ...]
    help: str
    section: str
    metavar: str | None
    parse: Callable[[str], Any]
    many: bool
    counted: bool
    config: bool
    hidden: tuple[str, ...]
    complete: str | None
    typed: bool

    @property
    def key(self) -> str:
        """Its name in the configuration file."""
        return self.long.removeprefix("--")

    @property
    def long(self) -> str:
        return next((name for name in self.names if name.startswith("--")), self.names[0])

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return "HOSTPOOL_" + self.key.upper().replace("-", "_")

    @property
    def switch(self) -> bool:
        return self.metavar is None


def flag(
    *names: str,
    help: str,
    section: str,
    metavar: str | None = None,
    parse: Callable[[str], Any] = str,
    many: bool = False,
    counted: bool = False,
    config: bool = False,
    hidden: tuple[str, ...] = (),
    complete: str | None = None,
) -> Any:
    """The default of a dataclass field. ``hidden`` names work but stand in no help; ``complete``
    names what completion offers: ``hosts`` or, separated by spaces, words."""
    default: Any = () if many else 0 if counted else False if metavar is None else None
    settings = {
        "names": names, "help": help, "section": section, "metavar": metavar, "parse": parse,
        "many": many, "counted": counted, "config": config, "hidden": hidden, "complete": complete,
        "typed": True,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={_FLAG: settings})


def setting(
    key: str, *, default: Any, help: str, metavar: str | None = None, parse: Callable[[str], Any] = str
) -> Any:
    """What only the configuration file and the environment have: a switch, or a value with ``metavar``."""
    settings = {
        "names": (f"--{key}",), "help": help, "section": SECTIONS[-1], "metavar": metavar, "parse": parse,
        "many": False, "counted": False, "config": True, "hidden": (), "complete": None, "typed": False,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={_FLAG: settings})


class Flags:
    """What a command was told: fields by keyword, each with a default, never changed.

    One way of being made serves all of them. Those of a dataclass are text that is compiled, for sixty
    fields in three generations: 14 ms of each start.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init__(self, **said: Any) -> None:
        unknown = said.keys() - self.__dataclass_fields__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {sorted(unknown)}")
        self.__dict__.update(said)

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_T = TypeVar("_T")


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
def flags(declared: type[_T]) -> type[_T]:
    """Decorates a class of `Flags`, whose fields are declared as a dataclass's."""
    if not declared.__doc__:
        declared.__doc__ = declared.__name__  # else dataclass() writes all of the signature
    return dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)(declared)


def flags_of(options: type) -> tuple[Flag, ...]:
    """All flags declared on a dataclass and its bases, in the order of their sections."""
    found = [
        Flag(field=field.name, **field.metadata[_FLAG])
        for field in dataclasses.fields(options)
        if _FLAG in field.metadata
    ]
    return tuple(sorted(found, key=lambda each: _EVERY_SECTION.index(each.section)))


def parsed(flag: Flag, value: Any) -> Any:
    """A value as click hands it over, as the options hold it. Raises ValueError."""
    if flag.counted or flag.switch:
        return value
    if flag.many:
        return tuple(flag.parse(item) for item in value)
    return flag.parse(value)
