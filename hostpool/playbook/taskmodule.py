"""Which module a task has, and its arguments as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaml.nodes import MappingNode, Node

from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest
from hostpool.inventory.yamlreader import Entry
from hostpool.playbook import keywords as words
from hostpool.playbook.files import Document
from hostpool.playbook.keywords import TASK
from hostpool.tasks.modules.spec import Spec

PREFIXES = (
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.posix.",
    "community.general.",
    "community.crypto.",
)


class ModuleReader:
    def __init__(self, document: Document, specs: Mapping[str, Spec]) -> None:
        self._document = document
        self._specs = specs
        self._collector = document.collector

    def find(self, node: MappingNode, entries: list[Entry]) -> tuple[str, Node | str, Spec, bool] | None:
        candidates = [
            entry
            for entry in entries
            if entry.key not in TASK
            and entry.key not in words.REFUSED
            and not str(entry.key).startswith("with_")
        ]
        words.refuse_unknown(self._document, [e for e in entries if e.key in words.REFUSED], TASK, "task")
        actions = [entry for entry in entries if entry.key in ("action", "local_action")]
        if actions and not candidates:
            return self._action(actions[0])
        known = [entry for entry in candidates if self.spec(entry.key) is not None]
        if len(known) == 1 and len(candidates) > 1:
            strays = [entry for entry in candidates if entry is not known[0]]
            words.refuse_unknown(self._document, strays, TASK, "task")
            candidates = known
        if len(candidates) > 1:
            what = " and ".join(repr(str(entry.key)) for entry in candidates)
            self._collector.say(
                self._document.place(candidates[1].key_node),
                f"a task has one module: {what}",
                "indent what belongs to the first",
            )
            return None
        if not candidates:
            self._collector.say(self._document.place(node), "the task has no module")
            return None
        entry = candidates[0]
        spec = self.spec(entry.key)
        if spec is None:
            self._unknown(str(entry.key), self._document.place(entry.key_node))
            return None
        return spec.name, entry.value, spec, False

    def _action(self, entry: Entry) -> tuple[str, Node | str, Spec, bool] | None:
        local = entry.key == "local_action"
        if isinstance(entry.value, MappingNode):
            inner = {each.key: each for each in self._document.entries(entry.value)}
            name = str(self._document.plain(inner["module"].value)) if "module" in inner else ""
            value: Node | str = MappingNode(
                entry.value.tag,
                [(k, v) for k, v in entry.value.value if getattr(k, "value", None) != "module"],
                entry.value.start_mark, entry.value.end_mark,
            )  # fmt: skip
        else:
            text = str(self._document.plain(entry.value) or "")
            name, _, rest = text.strip().partition(" ")
            value = rest
        spec = self.spec(name)
        if spec is None:
            self._unknown(name, self._document.place(entry.value))
            return None
        return spec.name, value, spec, local

    def spec(self, name: Any) -> Spec | None:
        text = str(name)
        for prefix in PREFIXES:
            if text.startswith(prefix):
                text = text.removeprefix(prefix)
                break
        return self._specs.get(text)

    def _unknown(self, name: str, place: Place) -> None:
        near = nearest(name.rpartition(".")[2], self._specs, 0.75)
        hint = f"did you mean {near}?" if near and near != name else None
        self._collector.refuse(place, f"the module {name!r}", hint)
