"""What a template gets for a name nobody gave a value: strict, but chainable (``a.b | default(1)``)."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2 import StrictUndefined


class Undefined(StrictUndefined):
    """Any use but attributes, ``default`` and ``is defined`` raises jinja2.UndefinedError."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name[:2] == name[-2:] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def fail(self) -> NoReturn:
        self._fail_with_undefined_error()


def deferred(message: str) -> Undefined:
    """A value that could not be worked out, inside of one that could: it fails when it is used."""
    return Undefined(hint=message)
