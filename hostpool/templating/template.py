"""Text from a file that holds a template: compiled at its first use, rendered with a scope."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from jinja2 import Template as Compiled
from jinja2 import TemplateError, nodes
from jinja2 import Undefined as AnyUndefined

from hostpool.errors import PlaybookError
from hostpool.templating.environment import Copied, LazyContext, environment, joined
from hostpool.templating.omit import OMIT
from hostpool.templating.render import has_template
from hostpool.templating.undefined import deferred


class Wanted(Exception):
    """Raised by a layer of variables that must first be filled from outside (facts): rendering stops,
    and is done again when what was wanted is there."""


class RenderError(PlaybookError):
    """A template that cannot be rendered. ``undefined``: because of a name without a value."""

    kind = "template"
    undefined = False


class Place(Protocol):
    """Where in a file something stands, as far as known; counted from 1."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int | None: ...
    @property
    def column(self) -> int | None: ...
    @property
    def text(self) -> str | None: ...


class Template:
    """``text`` with ``{{ }}`` or ``{% %}``. A lone expression keeps its type, anything else is text.

    ``expression``: the whole text is one expression, without braces (``when``). ``blocks``: whether
    the newline after a block and the white space before one are dropped.
    """

    __slots__ = ("_compiled", "_environment", "_newlines", "_source", "expression", "place", "text")

    def __init__(
        self,
        text: str,
        place: Place | None = None,
        *,
        expression: bool = False,
        blocks: tuple[bool, bool] = (True, False),
    ) -> None:
        self.text = text
        self.place = place
        self.expression = expression
        self._compiled: Compiled | None = None
        self._environment = blocks
        self._newlines = 0 if expression else _trailing_newlines(text)
        self._source = "{{(" + text + "\n)}}" if expression else text

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a template never leaves the process that reads it")

    @property
    def is_lone_expression(self) -> bool:
        """Whether the whole text is one ``{{ }}``."""
        text = self.text.strip()
        return text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1

    def parse(self) -> nodes.Template:
        """Its syntax tree. Raises RenderError."""
        try:
            return environment(*self._environment).parse(self._source)
        except TemplateError as error:
            raise self.error(f"bad template: {error.message}") from error

    def render(self, scope: Mapping[str, Any]) -> Any:
        """Raises RenderError, or what a layer of the scope raises as Wanted."""
        compiled = self._compiled
        try:
            env = environment(*self._environment)
            if compiled is None:
                compiled = self._compiled = env.from_string(self._source)
            seen = Copied(scope) if getattr(compiled, "mutates", False) else scope
            context = LazyContext(env, seen, compiled.blocks)
            value: Any = joined(compiled.root_render_func(context))
            if isinstance(value, AnyUndefined):
                value._fail_with_undefined_error()
            if type(value) is str and self._newlines:
                value += "\n" * (self._newlines - _trailing_newlines(value))
            return value
        except Wanted:
            raise
        except RenderError as error:
            if error.line is None and self.place is not None:
                self._locate(error)
            raise
        except TemplateError as error:
            raise self.error(error.message or type(error).__name__, undefined=_is_undefined(error)) from error
        except RecursionError as error:
            raise self.error("a variable refers to itself") from error
        except Exception as error:
            # What a template's own operations raise: a division by zero, a missing key.
            raise self.error(f"{type(error).__name__}: {error}") from error

    def error(self, message: str, *, undefined: bool = False) -> RenderError:
        shown = self.text if len(self.text) <= 200 and "\n" not in self.text.strip() else None
        error = RenderError(message if shown is None else f"{message} in {shown.strip()!r}")
        error.undefined = undefined
        self._locate(error)
        return error

    def _locate(self, error: RenderError) -> None:
        if self.place is not None:
            error.file, error.line = self.place.file, self.place.line
            error.column, error.source = self.place.column, self.place.text


def _trailing_newlines(text: str) -> int:
    """jinja2 drops a newline at the end, so that it does not make text of a lone expression; where the
    result is text, what the source ends with comes back."""
    return len(text) - len(text.rstrip("\n"))


class Lazy:
    """A list or mapping from a file that holds templates somewhere inside."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


MADE = (Template, Lazy)
"""What ``prepared`` makes of data that holds templates; anything else needs no variables."""


def _is_undefined(error: TemplateError) -> bool:
    from jinja2 import UndefinedError

    return isinstance(error, UndefinedError)


def prepared(value: Any, place: Place | None = None) -> Any:
    """Data from a file, its templates as Template, what holds some as Lazy. Subclasses of str
    (text marked ``!unsafe``) are never templates."""
    kind = type(value)
    if kind is str:
        return Template(value, place) if has_template(value) else value
    if kind is dict or kind is list:
        inner = _converted(value, place)
        return Lazy(inner) if inner is not value else value
    return value


def _converted(value: Any, place: Place | None) -> Any:
    """The same object where nothing in it is a template."""
    kind = type(value)
    if kind is str:
        return Template(value, place) if has_template(value) else value
    if kind is list:
        items = [_converted(item, place) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if kind is dict:
        pairs = {_converted(key, place): _converted(item, place) for key, item in value.items()}
        same = all(a is b for a, b in zip(pairs.values(), value.values(), strict=True))
        return value if same and all(a is b for a, b in zip(pairs, value, strict=True)) else pairs
    return value


def resolve(value: Any, scope: Mapping[str, Any]) -> Any:
    """``value`` with every template in it rendered. Mappings and lists lose what is ``omit``.

    Raises RenderError.
    """
    kind = type(value)
    if kind is Template:
        return value.render(scope)
    if kind is Lazy:
        return resolve(value.value, scope)
    if kind is list:
        return [item for item in (resolve(item, scope) for item in value) if item is not OMIT]
    if kind is dict:
        found = {}
        for key, item in value.items():
            name = key if type(key) is str else resolve(key, scope)
            if type(item) is not str and (item := resolve(item, scope)) is OMIT:
                continue
            found[name] = item
        return found
    return value


def resolve_leniently(value: Any, scope: Mapping[str, Any]) -> Any:
    """As ``resolve``, but what fails inside of a mapping or list fails only when it is used."""
    if type(value) is Lazy:
        return _inside(value.value, scope)
    return resolve(value, scope)


def _inside(value: Any, scope: Mapping[str, Any]) -> Any:
    kind = type(value)
    if kind is Template:
        try:
            return value.render(scope)
        except RenderError as error:
            return deferred(error.message)
    if kind is list:
        return [_inside(item, scope) for item in value]
    if kind is dict:
        return {resolve(key, scope): _inside(item, scope) for key, item in value.items()}
    return value


@cache
def _words() -> tuple[frozenset[str], frozenset[str]]:
    return (
        frozenset({"true", "yes", "on", "y", "t", "1"}),
        frozenset({"false", "no", "off", "n", "f", "0"}),
    )


def truth(value: Any, condition: Template) -> bool:
    """What a condition says. Raises RenderError for a text that reads like a "no": Python would call
    it true, its author meant false."""
    if isinstance(value, str) and value.strip().lower() in _words()[1]:
        raise condition.error(f"the condition is the text {value!r}, not a yes or no; use | bool")
    return bool(value)
