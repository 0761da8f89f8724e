"""YAML 1.1 as a tree that knows its lines: composed by libyaml, constructed here.

Beside the standard tags ``!unsafe`` and ``!vault`` are known. Duplicate keys, unknown tags and impossible
values are collected, so that one reading names them all. Source: yaml.org/spec/1.1, PyYAML 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hostpool.errors import InventoryError
from hostpool.inventory.model import Place, Unsafe, Vaulted

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_standard = yaml.constructor.SafeConstructor()
_representer: Any = yaml.representer.SafeRepresenter(sort_keys=False)
_resolver: Any = yaml.resolver.Resolver()
_PREFIX = "tag:yaml.org,2002:"
_SCALARS = {
    f"{_PREFIX}{name}": getattr(_standard, f"construct_yaml_{name}")
    for name in ("null", "bool", "int", "float", "binary", "timestamp")
}
_TEXT = (f"{_PREFIX}str", f"{_PREFIX}value")


class Entry(NamedTuple):
    """One ``key: value`` of a mapping; ``key`` is constructed, the nodes carry the places."""

    key: Any
    key_node: Node
    value: Node


class YAMLReader:
    """Reads one document. ``problems`` are what it found wrong so far, ``vaulted`` whether it met Vault."""

    def __init__(self, data: bytes | str, file: str) -> None:
        self.file = file
        self.problems: list[InventoryError] = []
        self.vaulted = False
        self.text = self._decoded(data)
        self._lines: list[str] | None = None
        self._values: dict[int, Any] = {}
        self._open: set[int] = set()

    def _decoded(self, data: bytes | str) -> str:
        if isinstance(data, str):
            return data
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.problems.append(Place(self.file, line).error("not UTF-8", hint="save the file as UTF-8"))
            return ""

    def root(self) -> Node | None:
        """The document's root, None for an empty one. Raises InventoryError for what is no YAML."""
        if self.problems:
            raise self.problems.pop()
        try:
            return self._json_root() or yaml.compose(self.text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise self._syntax_error(error) from error
        except (RecursionError, MemoryError) as error:
            raise Place(self.file).error("nested too deep") from error

    def _json_root(self) -> Node | None:
        """JSON is not quite a part of YAML 1.1 (1e5 is text there), so it is tried first."""
        if self.text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            data = json.loads(self.text, object_pairs_hook=_without_duplicates)
        except ValueError:  # read it as YAML then, which knows the line
            return None
        node: Node = _representer.represent_data(data)
        return node

    def _syntax_error(self, error: yaml.YAMLError) -> InventoryError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        if mark is None:
            position = getattr(error, "position", None)
            line = None if position is None else self.text.count("\n", 0, position) + 1
            return Place(self.file, line).error(f"bad YAML: {problem}")
        place = self._at(mark.line, mark.column)
        indent = (place.text or "")[: mark.column + 1]
        if "\t" in indent and not indent.strip():
            return place.error("a tab in the indentation", hint="YAML is indented with spaces only")
        context = getattr(error, "context", None)
        if context and problem.startswith("but "):
            problem = f"{context}, {problem}"
        hint = None
        if problem == "mapping values are not allowed in this context":
            hint = "a colon too much, a missing quote, or wrong indentation"
        elif problem.startswith("expected a single document"):
            hint = "leave only one --- in the file"
        return place.error(f"bad YAML: {problem}", hint=hint)

    def place(self, node: Node) -> Place:
        mark = getattr(node, "start_mark", None)
        return Place(self.file) if mark is None else self._at(mark.line, mark.column)

    def _at(self, line: int, column: int) -> Place:
        if self._lines is None:
            self._lines = self.text.split("\n")
        text = self._lines[line].rstrip("\r") if line < len(self._lines) else ""
        return Place(self.file, line + 1, column + 1, text)

    def problem(self, node: Node, message: str, hint: str | None = None) -> None:
        self.problems.append(self.place(node).error(message, hint=hint))

    def entries(self, node: MappingNode) -> Iterator[Entry]:
        """The mapping's entries, merge keys (``<<``) resolved: those first, its own override them."""
        if not any(key.tag == f"{_PREFIX}merge" for key, _ in node.value):
            yield from self._own_entries(node)
            return
        found: dict[Any, Entry] = {}
        with_merges = id(node)
        if with_merges in self._open:
            self.problem(node, "a mapping is merged into itself")
            return
        self._open.add(with_merges)
        for key, value in node.value:
            if key.tag == f"{_PREFIX}merge":
                for mapping in self._merged(value):
                    found.update((entry.key, entry) for entry in self.entries(mapping))
        self._open.discard(with_merges)
        found.update((entry.key, entry) for entry in self._own_entries(node))
        yield from found.values()

    def _merged(self, value: Node) -> list[MappingNode]:
        nodes = list(reversed(value.value)) if isinstance(value, SequenceNode) else [value]
        mappings = [node for node in nodes if isinstance(node, MappingNode)]
        if len(mappings) != len(nodes):
            self.problem(value, "<< takes a mapping or a list of mappings")
        return mappings

    def _own_entries(self, node: MappingNode) -> Iterator[Entry]:
        first: dict[Any, Node] = {}
        for key_node, value in node.value:
            if key_node.tag == f"{_PREFIX}str":
                key = key_node.value
            elif key_node.tag == f"{_PREFIX}merge":
                continue
            else:
                key = self.construct(key_node)
            try:
                earlier = first.setdefault(key, key_node)
            except TypeError:
                self.problem(
                    key_node, "a key cannot be a list or a mapping", "quote a key that begins with { or ["
                )
                continue
            if earlier is not key_node:
                line = self.place(earlier).line
                self.problem(key_node, f"duplicate key {key!r}, first in line {line}", "merge the two")
            yield Entry(key, key_node, value)

    def require_text_keys(self, root: Any) -> None:
        """Report the keys of a mapping of variables that no variable can be called."""
        for entry in self.entries(root):
            if not isinstance(entry.key, str):
                self.problem(entry.key_node, f"the name of a variable is text, not {entry.key!r}", "quote it")

    def construct(self, node: Node) -> Any:
        """The node's value. What cannot be one is reported and becomes None."""
        if isinstance(node, ScalarNode):
            return node.value if node.tag == _TEXT[0] else self._scalar(node)
        if node.tag == "!unsafe":
            return _unsafe(self._collection(node))
        return self._collection(node)

    def _collection(self, node: Node) -> Any:
        known = self._values.get(id(node), _MISSING)
        if known is not _MISSING:
            return known
        if id(node) in self._open:
            self.problem(node, "an alias refers to what it is part of")
            return None
        self._open.add(id(node))
        value: Any = None
        if isinstance(node, SequenceNode) and node.tag in (f"{_PREFIX}seq", "!unsafe"):
            value = [self.construct(item) for item in node.value]
        elif isinstance(node, MappingNode) and node.tag in (f"{_PREFIX}map", "!unsafe"):
            value = {entry.key: self.construct(entry.value) for entry in self.entries(node)}
        elif isinstance(node, MappingNode) and node.tag == f"{_PREFIX}set":
            value = [entry.key for entry in self.entries(node)]
        else:
            self._unknown_tag(node)
        self._open.discard(id(node))
        self._values[id(node)] = value
        return value

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag in _TEXT:
            return node.value
        make = _SCALARS.get(node.tag)
        if make is not None:
            try:
                return make(node)
            except (ValueError, KeyError, OverflowError, AttributeError, yaml.YAMLError):
                self.problem(node, f"{node.value[:40]!r} is no {node.tag.removeprefix(_PREFIX)}", "quote it")
                return None
        if node.tag in ("!vault", "!vault-encrypted"):
            self.vaulted = True
            return Vaulted(node.value, self.place(node))
        if node.tag == "!unsafe":
            tag = _resolver.resolve(ScalarNode, node.value, (True, False))
            return _unsafe(self.construct(ScalarNode(tag, node.value, node.start_mark, node.end_mark)))
        self._unknown_tag(node)
        return None

    def _unknown_tag(self, node: Node) -> None:
        tag = str(node.tag).replace(_PREFIX, "!!")
        self.problem(node, f"unknown tag {tag}", "known beside YAML's own are !unsafe and !vault")


_MISSING = object()


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, list):
        return [_unsafe(item) for item in value]
    if isinstance(value, dict):
        return {key: _unsafe(item) for key, item in value.items()}
    return value
