"""Which parts of a variable a template reads, seen in its syntax tree."""

from __future__ import annotations

from collections.abc import Mapping

from hostpool.templating.environment import nodes

Path = tuple[str, ...]
"""The keys that lead to a part; () is the whole."""

_EVERYTHING = frozenset(("hostvars", "vars", "lookup", "query", "q", "ansible_failed_result"))
"""Names behind which any variable may be, by a name that only a run knows."""
_LOOKUPS = ("lookup", "query", "q")
_BY_NAME = frozenset(("vars", "varnames", "template"))
"""Lookups that read variables which do not stand in the call."""
_ELSEWHERE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_OF_RESULTS = frozenset(
    ("changed", "change", "failed", "failure", "success", "succeeded", "successful", "skipped", "skip",
     "unreachable", "reachable", "started", "finished", "defined", "undefined")
)  # fmt: skip
"""Tests that look at no more of a result than how it ended."""
_METHODS = frozenset(dir(dict))
WORDS = ("hostvars", "vars", "lookup", "query", "q", "ansible_failed_result", "include", "import", "extends")
"""A text with none of these and without a variable's name does not read the variable."""


def by_name(lookup: str) -> bool:
    """Whether a lookup, or a loop of its kind, reads variables that do not stand where it is called."""
    return lookup.rpartition(".")[2] in _BY_NAME


def readings(tree: nodes.Node, roots: Mapping[str, Path]) -> set[Path]:
    """``roots``: names, and which part of what is asked about each of them is. More may be told than is
    read, never less."""
    found: set[Path] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            waiting += _followed(node, roots, found)
        elif isinstance(node, nodes.Test) and _is_root(node.node, roots) and node.name in _OF_RESULTS:
            assert isinstance(node.node, nodes.Name)
            found.add((*roots[node.node.name], node.name))
            waiting += node.args
        elif isinstance(node, nodes.Call) and _harmless(node):
            waiting += [*node.args, *node.kwargs]
        else:
            if isinstance(node, _ELSEWHERE):
                found.add(())
            waiting += node.iter_child_nodes()
    return found


def reached(part: Path, read: set[Path]) -> bool:
    """Whether somebody who reads these sees something of ``part``."""
    return any(part[: len(each)] == each[: len(part)] for each in read)


def _followed(node: nodes.Node, roots: Mapping[str, Path], found: set[Path]) -> list[nodes.Node]:
    """Adds what ``a.b['c']`` reads; what is left to look at."""
    keys: list[str | None] = []
    rest: list[nodes.Node] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            keys.append(node.arg.value)
        else:
            keys.append(None)
            rest.append(node.arg)
        node = node.node
    if not isinstance(node, nodes.Name):
        return [*rest, node]
    if node.name in _EVERYTHING:
        found.add(())
    if node.name in roots:
        path = list(roots[node.name])
        for key in reversed(keys):
            if key is None or key in _METHODS:
                break
            path.append(key)
        found.add(tuple(path))
    return rest


def _is_root(node: nodes.Node, roots: Mapping[str, Path]) -> bool:
    return isinstance(node, nodes.Name) and node.name in roots


def _harmless(call: nodes.Call) -> bool:
    """Whether it is a lookup that sees nothing but what it is given."""
    if not isinstance(call.node, nodes.Name) or call.node.name not in _LOOKUPS or not call.args:
        return False
    kind = call.args[0]
    given = call.dyn_args is None and call.dyn_kwargs is None
    return given and isinstance(kind, nodes.Const) and not by_name(str(kind.value))
