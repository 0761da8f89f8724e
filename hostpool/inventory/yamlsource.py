"""YAML (and JSON) sources, as Ansible's yaml plugin reads them (plugins/inventory/yaml.py, 2.19).

Top-level keys are groups; a group holds ``hosts``, ``children`` and ``vars``, each a mapping. What Ansible
skips with a warning (an unknown key, a group that is no mapping) is an error here: hosts would be missing.
"""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode

from hostpool.errors import InventoryError
from hostpool.inventory.addresses import expand_address
from hostpool.inventory.draft import Draft
from hostpool.inventory.model import Group, Place
from hostpool.inventory.suggest import did_you_mean
from hostpool.inventory.yamlreader import Entry, YAMLReader

SECTIONS = ("vars", "children", "hosts")


def read_yaml(draft: Draft, reader: YAMLReader, root: Node | None) -> None:
    """Add the document's hosts and groups to ``draft``; everything wrong ends in ``draft.problems``."""
    _Source(draft, reader).read(root)
    draft.problems += reader.problems
    draft.vaulted |= reader.vaulted


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def is_mapping(node: Node | None) -> bool:
    return isinstance(node, MappingNode)


class _Source:
    def __init__(self, draft: Draft, reader: YAMLReader) -> None:
        self.draft = draft
        self.reader = reader
        self.seen: set[tuple[str, int]] = set()

    def read(self, root: Node | None) -> None:
        if root is None or is_null(root):
            self.draft.warnings.append(Place(self.reader.file).warning("the file holds no groups"))
        elif not isinstance(root, MappingNode):
            self.reader.problem(
                root, "an inventory is a mapping of groups", "begin with all: and hosts: below it"
            )
        elif any(entry.key == "plugin" for entry in self.reader.entries(root)):
            self.reader.problem(
                root,
                "this file configures an inventory plugin, which hostpool has none of",
                "save what ansible-inventory --list prints and use that",
            )
        else:
            for entry in self.reader.entries(root):
                self._group(entry)

    def _group(self, entry: Entry) -> Group | None:
        name, node = entry.key, entry.value
        if not isinstance(name, str) or not name:
            self.reader.problem(entry.key_node, f"the name of a group is text, not {name!r}", "quote it")
            return None
        group = self.draft.add_group(name)
        # With aliases the same mapping may stand in many places; once read, it has nothing new to say.
        if is_null(node) or (name, id(node)) in self.seen:
            return group
        self.seen.add((name, id(node)))
        if not isinstance(node, MappingNode):
            self.reader.problem(node, f"group {name} is no mapping", "a group holds hosts, children and vars")
            return group
        sections = {section.key: section for section in self.reader.entries(node)}
        for key, section in sections.items():
            if key == "vars":
                self._vars(group, section)
            elif key == "children":
                self._children(group, section)
            elif key == "hosts":
                self._hosts(group, section)
            else:
                hint = did_you_mean(str(key), SECTIONS, 0.5) or "a group holds hosts, children and vars"
                self.reader.problem(section.key_node, f"unknown key {key!r} in group {name}", hint)
        return group

    def _members(self, group: Group, section: Entry) -> list[Entry]:
        """The section's mapping; a lone name stands for a mapping with that key."""
        node = section.value
        if isinstance(node, MappingNode):
            return list(self.reader.entries(node))
        if isinstance(node, ScalarNode) and isinstance(name := self.reader.construct(node), str):
            return [Entry(name, node, _NOTHING)]
        if not is_null(node):
            self.reader.problem(
                node,
                f"{section.key} of group {group.name} is no mapping",
                "write one name with a colon a line",
            )
        return []

    def _vars(self, group: Group, section: Entry) -> None:
        for entry in self._members(group, section):
            if self._is_variable(entry):
                place = self.reader.place(entry.value)
                self.draft.set_group_var(group, entry.key, self.reader.construct(entry.value), place)

    def _is_variable(self, entry: Entry) -> bool:
        if not isinstance(entry.key, str):
            self.reader.problem(
                entry.key_node, f"the name of a variable is text, not {entry.key!r}", "quote it"
            )
            return False
        if entry.key.startswith("an"):
            self.draft.check_name(entry.key, self.reader.place(entry.key_node))
        return True

    def _children(self, group: Group, section: Entry) -> None:
        for entry in self._members(group, section):
            child = self._group(entry)
            if child is not None:
                self.draft.add_child(group.name, child.name, self.reader.place(entry.key_node))

    def _hosts(self, group: Group, section: Entry) -> None:
        for entry in self._members(group, section):
            if not isinstance(entry.key, str) or not entry.key:
                self.reader.problem(
                    entry.key_node, f"the name of a host is text, not {entry.key!r}", "quote it"
                )
                continue
            place = self.reader.place(entry.key_node)
            try:
                names, port = expand_address(entry.key)
            except InventoryError as error:
                self.reader.problems.append(place.adopt(error))
                continue
            variables = {
                var.key: self.reader.construct(var.value)
                for var in self._host_vars(entry)
                if self._is_variable(var)
            }
            self.draft.add_hosts(names, group, port, variables, place)

    def _host_vars(self, entry: Entry) -> list[Entry]:
        if isinstance(entry.value, MappingNode):
            return list(self.reader.entries(entry.value))
        if not is_null(entry.value):
            self.reader.problem(
                entry.value, f"the variables of host {entry.key} are no mapping", "write key: value"
            )
        return []


_NOTHING = ScalarNode("tag:yaml.org,2002:null", "")
