"""The one Jinja2 environment: sandboxed, strict, types kept where a template is one expression."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, nodes, pass_context
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from hostpool.templating.undefined import Undefined

__all__ = [
    "Copied", "Environment", "LazyContext", "environment", "include_path", "joined", "nodes", "pass_context",
    "register",
]  # fmt: skip

_MUTATING = (
    r"\.\s*(append|extend|insert|update|pop|popitem|remove|clear|setdefault|sort|reverse|add|discard)\s*\("
)


class CodeGenerator(NativeCodeGenerator):
    """Constants keep their type too (the native generator makes text of them and guesses later)."""

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        values = list(group)
        return repr(values[0] if len(values) == 1 else "".join(map(_text, values)))


class Environment(SandboxedEnvironment):
    """See the module. ``filters``, ``tests`` and ``globals`` may be added to before the first use."""

    code_generator_class = CodeGenerator

    def from_string(self, source: Any, globals: Any = None, template_class: Any = None) -> Any:
        compiled: Any = super().from_string(source, globals, template_class)
        # A template that changes lists in place must not reach the ones all hosts share.
        compiled.mutates = (
            isinstance(source, str) and "(" in source and re.search(_MUTATING, source) is not None
        )
        return compiled


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, Undefined):
        value.fail()
    return "" if value is None else str(value)


def joined(pieces: Iterable[Any]) -> Any:
    """One piece stays what it is; several are text."""
    values = list(pieces)
    if len(values) == 1:
        return values[0]
    return "".join(map(_text, values))


class LazyContext(Context):
    """Names are looked up in a scope when they are read; nothing is copied."""

    def __init__(
        self, env: Any, parent: Mapping[str, Any], name: Any, blocks: Any = None, globals: Any = None
    ) -> None:
        # jinja2 makes one with (environment, parent, name, blocks, globals); we leave the name out.
        if blocks is None:
            name, blocks = None, name
        super().__init__(env, parent, name, blocks, globals)  # type: ignore[arg-type]  # a Mapping will do

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        try:
            return self.parent[key]
        except KeyError:
            return self.environment.globals.get(key, missing)


class Copied(Mapping[str, Any]):
    """A scope whose lists and mappings are copies, for templates that change them in place."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._copies: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._copies:
            value = self._scope[name]
            self._copies[name] = copy.deepcopy(value) if isinstance(value, list | dict) else value
        return self._copies[name]

    def __iter__(self) -> Any:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


_more: dict[str, dict[str, Callable[..., Any]]] = {"filters": {}, "tests": {}, "globals": {}}


def register(kind: str, **functions: Callable[..., Any]) -> None:
    """Adds filters, tests or globals that stand in a higher room."""
    _more[kind].update(functions)
    if environment.cache_info().currsize:
        getattr(environment(), kind).update(functions)


include_path: ContextVar[tuple[str, ...]] = ContextVar("include_path", default=())
"""Directories in which ``{% include %}`` and ``{% import %}`` find their files while one renders."""


def _included(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    for directory in include_path.get():
        path = Path(directory, name)
        if path.is_file():
            return path.read_text("utf-8"), str(path), lambda: False
    return None


@cache
def environment(trim_blocks: bool = True, lstrip_blocks: bool = False) -> Environment:
    """The environment all templates share; the template module may ask for other white space."""
    from hostpool.templating.filters import FILTERS, OF_COLLECTIONS, QUALIFIED
    from hostpool.templating.omit import OMIT
    from hostpool.templating.tests import TESTS

    env = Environment(
        undefined=Undefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=lstrip_blocks,
        loader=FunctionLoader(_included),
        cache_size=0,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    env.concat = joined  # type: ignore[method-assign]  # typed for text only, like the native environment
    env.context_class = LazyContext
    env.filters.update(FILTERS)
    env.filters.update(_more["filters"])
    env.tests.update(TESTS)
    env.tests.update(_more["tests"])
    env.globals.update(_more["globals"])
    env.globals["omit"] = OMIT
    for name, function in OF_COLLECTIONS.items():
        env.filters.setdefault(name, function)
        env.filters.update({f"{prefix}{name}": function for prefix in QUALIFIED})
    for table in (env.filters, env.tests):
        table.update({f"ansible.builtin.{name}": function for name, function in list(table.items())})
    return env
