"""The items of a loop, and the variables a task sees for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.playbook.calls import BadTask
from hostpool.playbook.lookups import look_up
from hostpool.playbook.model import Loop
from hostpool.templating.scope import Scope
from hostpool.templating.template import resolve


def items_of(loop: Loop, scope: Scope) -> list[Any]:
    """Raises RenderError, BadTask."""
    value = resolve(loop.value, scope)
    if loop.kind == "loop":
        if isinstance(value, list | tuple):
            return list(value)
        raise BadTask(
            f"Invalid data passed to 'loop', it requires a list, got this instead: {value!r}."
            " Hint: use dict2items for a mapping"
        )
    if loop.kind == "items" and isinstance(value, Mapping | str | int):
        return [value]
    if loop.kind == "dict":
        if isinstance(value, list):
            value = value[0]
        if not isinstance(value, Mapping):
            raise BadTask("with_dict expects a dict")
        return look_up("dict", [value], scope)
    terms = list(value) if isinstance(value, list | tuple) else [value]
    if loop.kind == "subelements":
        return look_up("subelements", terms, scope)
    if loop.kind == "items":
        return look_up("items", terms, scope)
    try:
        return look_up(loop.kind, terms, scope)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTask(f"with_{loop.kind}: {error}") from error


def item_variables(loop: Loop, items: list[Any], number: int, scope: Scope) -> dict[str, Any]:
    name = str(resolve(loop.var, scope))
    item = items[number]
    found: dict[str, Any] = {name: item, "ansible_loop_var": name}
    if loop.index_var:
        found[loop.index_var] = number
        found["ansible_index_var"] = loop.index_var
    if resolve(loop.extended, scope):
        count = len(items)
        found["ansible_loop"] = {
            "index": number + 1, "index0": number, "first": number == 0, "last": number + 1 == count,
            "length": count, "revindex": count - number, "revindex0": count - number - 1,
            **({"allitems": items} if resolve(loop.allitems, scope) else {}),
            **({"previtem": items[number - 1]} if number else {}),
            **({"nextitem": items[number + 1]} if number + 1 < count else {}),
        }  # fmt: skip
    return found


def label_of(loop: Loop, variables: Mapping[str, Any], scope: Scope) -> Any:
    if loop.label is None:
        return variables[variables["ansible_loop_var"]]
    return resolve(loop.label, scope)
