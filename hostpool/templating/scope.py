"""The variables a template sees: layers, the highest first, looked up lazily and never copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hostpool.templating.template import Lazy, RenderError, Template, resolve_leniently

_MISSING: Any = object()


class Scope(Mapping[str, Any]):
    """Values that are templates are rendered when read, with this very scope, once.

    Make one for each task of a host; it remembers what it rendered.
    """

    __slots__ = ("_known", "_layers", "_open")

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        self._layers = layers
        self._known: dict[str, Any] = {}
        self._open: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        """Raises KeyError, RenderError, or Wanted."""
        value = self.get(name, _MISSING)
        if value is _MISSING:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """As a Mapping's, without an exception for each name that is not there: most are not."""
        for layer in self._layers:
            value = layer.get(name, _MISSING)
            if value is not _MISSING:
                kind = type(value)
                if kind is Template or kind is Lazy:
                    return self._rendered(name, value)
                return value
        return default

    def _rendered(self, name: str, value: Any) -> Any:
        known = self._known.get(name, _MISSING)
        if known is not _MISSING:
            return known
        if name in self._open:
            raise RenderError(f"the variable {name} refers to itself")
        self._open.add(name)
        try:
            result = resolve_leniently(value, self)
        finally:
            self._open.discard(name)
        self._known[name] = result
        return result

    def __contains__(self, name: object) -> bool:
        for layer in self._layers:  # noqa: SIM110 -- any() over a generator takes twice as long
            if name in layer:
                return True
        return False

    def having(self, names: frozenset[str], beside: Mapping[str, Any]) -> set[str]:
        """Those of ``names`` that a layer other than ``beside`` has. Renders nothing."""
        found: set[str] = set()
        for layer in self._layers:
            if layer is beside:
                continue
            if type(layer) is dict:
                if not layer.keys().isdisjoint(names):
                    found.update(layer.keys() & names)
            else:
                found.update([name for name in names if name in layer])
        return found

    def __iter__(self) -> Iterator[str]:
        seen: set[str] = set()
        for layer in self._layers:
            for name in layer:
                if name not in seen:
                    seen.add(name)
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def below(self, *layers: Mapping[str, Any]) -> Scope:
        """A scope with further layers on top of these."""
        return Scope(*layers, *self._layers)

    def above(self, layer: Mapping[str, Any]) -> Scope:
        """A scope with one more layer: for names that none of these has."""
        return Scope(*self._layers, layer)
