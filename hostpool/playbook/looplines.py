"""``loop``, ``with_…`` and ``loop_control`` of a task."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode

from hostpool.inventory.yamlreader import Entry
from hostpool.playbook.files import Document, is_null
from hostpool.playbook.keywords import LOOPS, conditions
from hostpool.playbook.model import Loop

_LOOP_CONTROL = ("loop_var", "index_var", "label", "pause", "extended", "extended_allitems")


def read_loop(document: Document, entries: list[Entry], control: Entry | None) -> Loop | None:
    loops = [entry for entry in entries if entry.key == "loop" or str(entry.key).startswith("with_")]
    if not loops:
        return None
    entry = loops[0]
    place = document.place(entry.key_node)
    if len(loops) > 1:
        document.collector.say(place, "a task has one loop")
    kind = (
        "loop"
        if entry.key == "loop"
        else str(entry.key).removeprefix("with_").removeprefix("ansible.builtin.")
    )
    if kind != "loop" and kind not in LOOPS:
        document.collector.refuse(place, f"with_{kind}", "write it with loop: and a filter or a lookup")
    options = _options(document, control)
    return Loop(
        kind=kind,
        value=document.data(entry.value),
        place=place,
        var=options.get("loop_var", "item"),
        index_var=options.get("index_var"),
        label=options.get("label"),
        pause=options.get("pause", 0),
        extended=options.get("extended", False),
        allitems=options.get("extended_allitems", True),
        break_when=options.get("break_when", ()),
    )


def _options(document: Document, control: Entry | None) -> dict[str, Any]:
    if control is None or is_null(control.value):
        return {}
    if not isinstance(control.value, MappingNode):
        document.collector.say(document.place(control.value), "loop_control is a mapping")
        return {}
    found: dict[str, Any] = {}
    for entry in document.entries(control.value):
        if entry.key == "break_when":
            found["break_when"] = conditions(document, entry.value)
        elif entry.key not in _LOOP_CONTROL:
            document.collector.unknown(
                document.place(entry.key_node),
                "keyword of loop_control",
                str(entry.key),
                _LOOP_CONTROL,
            )
        else:
            found[entry.key] = document.data(entry.value)
    return found
