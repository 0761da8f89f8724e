"""Rendering one value with a host's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.errors import UsageError

MAX_DEPTH = 20
"""A variable may refer to variables that are templates themselves, this deep."""


def has_template(value: object) -> bool:
    """Whether the text holds a template (cheap: no jinja2 needed to know)."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def render(value: Any, variables: Mapping[str, Any], where: str = "a variable") -> Any:
    """``value`` with its templates replaced; anything without a template comes back as it is.

    Text only (the result is a string); templates within the variables it names are rendered too.
    Raises UsageError naming ``where`` for an undefined variable, a syntax error or a circle.
    """
    depth = 0
    while has_template(value):
        if depth == MAX_DEPTH:
            raise UsageError(
                f"{where}: its template never ends: {value}",
                hint="a variable that names itself goes round in circles",
            )
        value = _render_once(value, variables, where)
        depth += 1
    return value


def _render_once(text: str, variables: Mapping[str, Any], where: str) -> str:
    from jinja2 import TemplateError

    from hostpool.templating.environment import environment
    from hostpool.templating.undefined import Undefined

    try:
        value = environment().from_string(text).render(variables)
        if isinstance(value, Undefined):
            value.fail()
        return value if isinstance(value, str) else str(value)
    except TemplateError as error:
        raise UsageError(
            f"{where}: {error.message or type(error).__name__} in the template {text!r}",
            hint="`hostpool inventory show HOST` lists the variables a host has",
        ) from error
    except Exception as error:
        # What a template's own operations raise: a division by zero, a missing key.
        raise UsageError(f"{where}: {type(error).__name__}: {error} in the template {text!r}") from error
