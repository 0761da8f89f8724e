"""What a module takes: its parameters as data, for the check at load and the binding at run time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Kind = Literal["str", "path", "bool", "int", "float", "list", "dict", "mode", "raw", "bytes"]

_TRUE = ("yes", "on", "1", "true", "t", "y")
_FALSE = ("no", "off", "0", "false", "f", "n")


class Param(msgspec.Struct, frozen=True):
    """``secret``: its value reaches the host over standard input only, never as an argument.
    ``shows``: the parts of the result (keys that lead there) for which alone it is there, and which
    need not be asked for where nobody sees them."""

    kind: Kind = "str"
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()
    secret: bool = False
    shows: tuple[tuple[str, ...], ...] = ()


class Spec(msgspec.Struct, frozen=True):
    """``free_form``: the parameter that takes a text given instead of arguments. ``extra``: further
    names are allowed (variables). ``refused``: parameters Ansible has and we have not, and why not.
    ``where``: on the host, or here in the parent without asking any host. ``check``: whether check
    mode foretells (full), or only says that it would run (skip)."""

    name: str
    params: Mapping[str, Param] = {}
    free_form: str | None = None
    extra: bool = False
    refused: Mapping[str, str] = {}
    where: Literal["host", "parent"] = "host"
    one_of: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()

    def canonical(self, name: str) -> str | None:
        """The parameter ``name`` or one of whose aliases it is."""
        if name in self.params:
            return name
        return next((own for own, param in self.params.items() if name in param.aliases), None)


class BadArgument(ValueError):
    """An argument no module can work with; the message says which and why."""


def bind(spec: Spec, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with their values, defaults filled in, types as declared. Raises BadArgument."""
    bound: dict[str, Any] = {name: param.default for name, param in spec.params.items()}
    for name, value in given.items():
        own = spec.canonical(name)
        if own is None:
            if not spec.extra:
                raise BadArgument(f"{spec.name} has no parameter {name!r}")
            bound[name] = value
        elif value is not None:
            bound[own] = converted(spec.params[own], own, value)
    for name, param in spec.params.items():
        if param.required and bound[name] is None:
            raise BadArgument(f"missing required arguments: {name}")
    if spec.one_of and all(bound.get(name) is None for name in spec.one_of):
        raise BadArgument(f"one of the following is required: {', '.join(spec.one_of)}")
    for names in spec.exclusive:
        both = [name for name in names if bound.get(name) is not None]
        if len(both) > 1:
            raise BadArgument(f"parameters are mutually exclusive: {'|'.join(both)}")
    return bound


def converted(param: Param, name: str, value: Any) -> Any:
    """``value`` as the parameter wants it. Raises BadArgument."""
    if isinstance(value, bool) and param.kind == "str":
        # an unquoted yes is a boolean in YAML, and meant is the choice of that name
        meant = [choice for choice in param.choices if choice in (_TRUE if value else _FALSE)]
        value = meant[0] if len(meant) == 1 else value
    result = _converted(param.kind, name, value)
    if param.choices:
        for item in result if isinstance(result, list) else [result]:
            if item not in param.choices:
                raise BadArgument(
                    f"value of {name} must be one of: {', '.join(map(str, param.choices))}, got: {item}"
                )
    return result


def _converted(kind: Kind, name: str, value: Any) -> Any:
    if kind in ("str", "path"):
        return _text(name, value)
    if kind == "bool":
        return _bool(name, value)
    if kind == "int":
        return _number(name, value, int)
    if kind == "float":
        return _number(name, value, float)
    if kind == "list":
        return _without_nul(name, _list(value))
    if kind == "mode":
        return _mode(name, value)
    if kind == "dict" and not isinstance(value, Mapping):
        raise BadArgument(f"{name} must be a mapping, not {type(value).__name__}")
    return value


def _text(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    if "\0" in text:
        raise BadArgument(f"{name} holds a NUL character, which no file name or argument can")
    return text


def _without_nul(name: str, value: Any) -> Any:
    """Looks into lists and mappings."""
    if isinstance(value, str):
        return _text(name, value)
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value
    for each in parts if isinstance(parts, list | tuple) else ():
        _without_nul(name, each)
    return value


def _bool(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadArgument(f"{name} must be yes or no, not {value!r}")


def _number(name: str, value: Any, kind: type[int] | type[float]) -> int | float:
    if isinstance(value, bool):
        raise BadArgument(f"{name} must be a number, not {value!r}")
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise BadArgument(f"{name} must be a number, not {value!r}") from None


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [value]


_SYMBOLIC = r"[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*"


def _mode(name: str, value: Any) -> str:
    """Octal digits without leading zeros, or chmod(1)'s symbolic words, or ``preserve``.

    A number is taken as Ansible takes it: YAML has read 0644 as octal already, so it is formatted
    back to octal; 644 without the zero is the classic slip and comes out as a strange mode there.
    """
    if isinstance(value, bool):
        raise BadArgument(f"{name} must be a mode, not {value!r}")
    if isinstance(value, int):
        if not 0 <= value <= 0o7777:
            raise BadArgument(f"{name}: {value} is no mode; write it in quotes: '0644'")
        return format(value, "o")
    text = str(value).strip()
    digits = text.removeprefix("0o")
    if 1 <= len(digits) <= 5 and not digits.strip("01234567"):
        return format(int(digits, 8), "o")
    if text == "preserve" or re.fullmatch(_SYMBOLIC, text):
        return text
    raise BadArgument(f"{name}: {text!r} is no mode; write '0644' or 'u=rw,g=r,o='")
