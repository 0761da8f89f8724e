"""The arguments of a module: read in each of their forms, and checked against its Spec."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from hostpool.inventory.model import Place
from hostpool.inventory.yamlreader import Entry
from hostpool.playbook.arguments import parse
from hostpool.playbook.files import Document, is_null, mapping_of
from hostpool.playbook.model import Keywords
from hostpool.playbook.taskmodule import ModuleReader
from hostpool.tasks.modules.spec import BadArgument, Spec, converted
from hostpool.templating import has_template
from hostpool.templating.template import Lazy, Template

_SHOWN = {"_raw": "a command line"}


class ArgumentReader:
    def __init__(self, document: Document, modules: ModuleReader) -> None:
        self._document = document
        self._modules = modules
        self._collector = document.collector

    def defaults(self, spec: Spec, words: Keywords) -> dict[str, Any]:
        """What ``module_defaults`` say of the module."""
        for layer in words.module_defaults:
            for name, (args, place) in layer.items():
                known = self._modules.spec(name)
                if known is not None and known.name == spec.name:
                    for key in args:
                        self._check_name(spec, key, place)
                    return dict(args)
        return {}

    def read(
        self, name: str, spec: Spec, value: Node | str, more: Entry | None, defaults: dict[str, Any]
    ) -> Any:
        args: dict[str, Any] | None = {}
        if more is None and isinstance(value, ScalarNode) and (spec.where == "host" or spec.extra):
            whole = self._document.data(value)
            lone = isinstance(whole, Template) and whole.is_lone_expression
            if lone and spec.free_form is None and not defaults:
                return whole
        if isinstance(value, MappingNode):
            args = mapping_of(self._document, value, f"the arguments of {name}")
            self._check_names(spec, value)
        elif isinstance(value, str):
            args = self._from_text(spec, value, Place(self._document.path))
        elif isinstance(value, ScalarNode) and not is_null(value):
            args = self._from_scalar(spec, value)
        elif not is_null(value):
            self._collector.say(self._document.place(value), f"{name} takes a mapping of arguments")
        if args is None:
            return {}
        if more is not None and isinstance(more.value, MappingNode):
            self._check_names(spec, more.value)
            args = {**mapping_of(self._document, more.value, "args"), **args}
        elif more is not None and not is_null(more.value):
            self._collector.refuse(self._document.place(more.value), "args that are no mapping")
        canonical = {spec.canonical(key) for key in args}
        args = {**{k: v for k, v in defaults.items() if spec.canonical(k) not in canonical}, **args}
        self._check_values(spec, args, self._document.place(value) if isinstance(value, Node) else None)
        return Lazy(args) if _lazy(args) else args

    def _from_scalar(self, spec: Spec, node: ScalarNode) -> dict[str, Any] | None:
        text = self._document.plain(node)
        place = self._document.place(node)
        if not isinstance(text, str):
            text = str(text)
        return self._from_text(spec, text, place)

    def _from_text(self, spec: Spec, text: str, place: Place) -> dict[str, Any] | None:
        """None: it cannot be read, and that is told."""
        try:
            if spec.free_form is not None:
                names = frozenset(spec.params) | frozenset(a for p in spec.params.values() for a in p.aliases)
                given, rest = parse(text, names - {spec.free_form})
                found: dict[str, Any] = dict(given)
                if rest:
                    found[spec.free_form] = rest
            else:
                given, rest = parse(text)
                found = dict(given)
                if rest:
                    self._collector.say(
                        place,
                        f"{spec.name}: {rest[:40]!r} is no key=value",
                        "write the arguments as a mapping",
                    )
        except ValueError as error:
            self._collector.say(place, f"{spec.name}: {error}")
            return None
        for key in found:
            if key != spec.free_form:
                self._check_name(spec, key, place)
        return {key: self._template(value, place) for key, value in found.items()}

    def _template(self, value: str, place: Place) -> Any:
        if not has_template(value):
            return value
        template = Template(value, place)
        self._document._files.check(template)
        return template

    def _check_names(self, spec: Spec, node: MappingNode) -> None:
        for entry in self._document.entries(node):
            self._check_name(spec, str(entry.key), self._document.place(entry.key_node))

    def _check_name(self, spec: Spec, key: str, place: Place) -> None:
        hidden = key.startswith("_") and not spec.extra
        if not hidden and (spec.extra or spec.canonical(key) is not None):
            return
        if key in spec.refused:
            self._collector.refuse(place, f"{spec.name}: the parameter {key!r}", spec.refused[key] or None)
            return
        known = [*spec.params, *(alias for param in spec.params.values() for alias in param.aliases)]
        self._collector.unknown(place, f"parameter of {spec.name}", key, known)

    def _check_values(self, spec: Spec, args: dict[str, Any], place: Place | None) -> None:
        at = place if place is not None else Place(self._document.path)
        given = {own for key in args if (own := spec.canonical(key))}
        if not spec.extra and any(spec.canonical(key) is None for key in args):
            return  # what is missing may be what is misspelt
        for own, param in spec.params.items():
            if param.required and own not in given:
                self._collector.say(at, f"{spec.name} needs the parameter {own!r}")
        if spec.one_of and not given & set(spec.one_of):
            self._collector.say(at, f"{spec.name} needs {' or '.join(_SHOWN.get(n, n) for n in spec.one_of)}")
        for key, value in args.items():
            own_name = spec.canonical(key)
            if own_name is None or isinstance(value, Template | Lazy) or value is None:
                continue
            try:
                converted(spec.params[own_name], own_name, value)
            except BadArgument as error:
                self._collector.say(at, f"{spec.name}: {error}")


def _lazy(args: dict[str, Any]) -> bool:
    return any(isinstance(value, Template | Lazy) for value in args.values())
