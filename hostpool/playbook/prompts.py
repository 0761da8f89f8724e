"""``vars_prompt``: what is asked for before a play runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yaml.nodes import MappingNode, Node

from hostpool.playbook.files import Document, is_null, items
from hostpool.playbook.keywords import read_bool
from hostpool.playbook.model import Block, Play, Prompt, Task
from hostpool.playbook.model import Node as TaskNode

_KEYS = ("name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe")
_HASHES = {"sha512_crypt": "sha512", "sha256_crypt": "sha256", "bcrypt": "blowfish"}


def read_prompts(document: Document, node: Node) -> list[Prompt]:
    found = (_prompt(document, each) for each in items(node) if not is_null(each))
    return [prompt for prompt in found if prompt is not None]


def _prompt(document: Document, node: Node) -> Prompt | None:
    if not isinstance(node, MappingNode):
        document.collector.say(document.place(node), "vars_prompt is a list of mappings with a name")
        return None
    said: dict[str, Any] = {}
    for entry in document.entries(node):
        if entry.key not in _KEYS:
            place = document.place(entry.key_node)
            document.collector.unknown(place, "keyword of vars_prompt", str(entry.key), _KEYS)
        elif entry.key in ("private", "confirm"):
            value = document.plain(entry.value)
            said[entry.key] = read_bool(document, entry.value, entry.key, value)
        elif entry.key not in ("unsafe", "salt_size"):
            value = document.plain(entry.value)
            said[entry.key] = value if value is None or entry.key == "default" else str(value)
        elif entry.key == "salt_size":
            said["salt_size"] = int(document.plain(entry.value))
    if not said.get("name"):
        document.collector.say(document.place(node), "vars_prompt needs the name of a variable")
        return None
    said["text"] = said.pop("prompt", None) or said["name"]
    kind = said.get("encrypt")
    if kind is not None:
        said["encrypt"] = _HASHES.get(kind, kind)
        if said["encrypt"] not in _HASHES.values():
            document.collector.refuse(
                document.place(node), f"encrypt: {kind}", f"there are {', '.join(_HASHES)}"
            )
    return Prompt(place=document.place(node), **said)


def waiting(play: Play) -> Iterator[Task]:
    """The pauses that only a person can end."""
    for section in play.sections:
        yield from _waiting(section)


def _waiting(nodes: list[TaskNode]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _waiting([*node.block, *node.rescue, *node.always])
        elif node.module == "pause":
            given = getattr(node.args, "value", node.args)
            if not {"seconds", "minutes"} & set(given):
                yield node
