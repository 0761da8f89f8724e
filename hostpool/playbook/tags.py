"""Which tasks run: ``--tags``, ``--skip-tags``, ``--start-at-task``; by Ansible's rules."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from hostpool.playbook.model import Block, Node, Play, Task


class Choice(msgspec.Struct, frozen=True):
    tags: frozenset[str] = frozenset({"all"})
    skip: frozenset[str] = frozenset()

    def takes(self, own: frozenset[str]) -> bool:
        """Whether a task with these tags runs."""
        tags = own or frozenset({"untagged"})
        if self.tags:
            wanted = (
                "always" in tags
                or ("all" in self.tags and "never" not in tags)
                or bool(self.tags & tags)
                or ("tagged" in self.tags and tags != {"untagged"} and "never" not in tags)
            )
            if not wanted:
                return False
        if not self.skip:
            return True
        if "all" in self.skip:
            return "always" in tags and "always" not in self.skip
        tagged = "tagged" in self.skip and tags != {"untagged"}
        return not (self.skip & tags or tagged)


def chosen(nodes: Iterable[Node], choice: Choice) -> list[Node]:
    """The nodes with only the tasks that run; empty blocks fall away."""
    kept: list[Node] = []
    for node in nodes:
        if isinstance(node, Block):
            inner = Block(
                chosen(node.block, choice),
                chosen(node.rescue, choice),
                chosen(node.always, choice),
                node.name,
            )
            if inner.block or inner.always:
                kept.append(inner)
        elif choice.takes(node.keywords.tags):
            kept.append(node)
    return kept


def started_at(nodes: Iterable[Node], name: str) -> tuple[list[Node], bool]:
    """What begins with the task of this name (or glob), and whether there is one."""
    kept: list[Node] = []
    found = False
    for node in nodes:
        if isinstance(node, Task):
            found = found or _is_called(node, name)
            if found:
                kept.append(node)
            continue
        if found:
            kept.append(node)
            continue
        inner, found = started_at(node.block, name)
        if found:
            kept.append(Block(inner, node.rescue, node.always, node.name))
    return kept, found


def _is_called(task: Task, name: str) -> bool:
    own = task.name if isinstance(task.name, str) else getattr(task.name, "text", "")
    full = f"{task.role.name} : {own}" if task.role is not None else own
    return any(each == name or fnmatchcase(each, name) for each in (own, full) if each)


def applied(plays: Iterable[Play], choice: Choice, start: str | None = None) -> tuple[list[Play], bool]:
    """The plays with only what runs, and whether ``start`` was found."""
    result: list[Play] = []
    found = start is None
    for play in plays:
        sections = []
        for section in play.sections:
            nodes = chosen(section, choice)
            if not found and start is not None:
                nodes, found = started_at(nodes, start)
            sections.append(nodes)
        if found:
            result.append(msgspec.structs.replace(play, sections=sections))
    return result, found


def all_tags(nodes: Iterable[Node]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, Block):
            found |= all_tags([*node.block, *node.rescue, *node.always])
        else:
            found |= node.keywords.tags
    return found
