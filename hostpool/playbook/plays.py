"""One play, from its node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from yaml.nodes import MappingNode, Node, SequenceNode

from hostpool.inventory.yamlreader import Entry
from hostpool.playbook.files import Document, is_null, items, variables_of
from hostpool.playbook.keywords import PLAY, names, read_bool, read_keywords, read_vars, refuse_unknown
from hostpool.playbook.model import Node as TaskNode
from hostpool.playbook.model import Play, Role, Task
from hostpool.playbook.prompts import read_prompts
from hostpool.playbook.roles import read_role
from hostpool.playbook.taskfile import Around, TaskReader
from hostpool.templating.template import Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

STRATEGIES = ("linear", "free", "host_pinned")
_ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")


class PlayReader:
    def __init__(self, loader: Loader, document: Document, directory: Path) -> None:
        self._loader = loader
        self._document = document
        self._directory = directory

    def play(self, node: MappingNode, entries: list[Entry]) -> Play:
        read = self._document
        refuse_unknown(read, entries, PLAY, "play")
        parts = {entry.key: entry.value for entry in entries}
        if "hosts" not in parts:
            read.collector.say(read.place(node), "the play names no hosts", "write hosts: all, or a group")
        own = read_keywords(read, entries)
        play = Play(
            place=read.place(node),
            hosts=read.data(parts["hosts"]) if "hosts" in parts else "",
            name=read.data(parts["name"]) if "name" in parts else None,
            keywords=own,
            vars=read_vars(read, parts["vars"]) if "vars" in parts else {},
            vars_files=self._vars_files(parts.get("vars_files")),
            directory=str(self._directory),
        )
        play.prompts = read_prompts(read, parts["vars_prompt"]) if "vars_prompt" in parts else []
        self._settings(play, parts)
        self._loader.play_vars = play.vars
        self._loader.imported = []
        self._loader.play_collections = self._collections(parts.get("collections"))
        # Play variables are a layer of the play, not of each of its tasks.
        around = Around(replace(own, vars=()), directory=self._directory)
        self._tasks(play, parts, around)
        return play

    def _settings(self, play: Play, parts: dict[Any, Node]) -> None:
        read = self._document
        for key in ("gather_facts", "force_handlers"):
            if key in parts:
                value = read.data(parts[key])
                known = isinstance(value, Template) or value is None
                setattr(play, key, value if known else read_bool(read, parts[key], key, value))
        for key in ("serial", "max_fail_percentage"):
            if key in parts:
                setattr(play, key, read.data(parts[key]))
        play.gather = {
            key: read.data(parts[key]) for key in ("gather_subset", "gather_timeout") if key in parts
        }
        for key, known_words in (("strategy", STRATEGIES), ("order", _ORDERS)):
            if key not in parts:
                continue
            value = read.plain(parts[key])
            word = str(value).removeprefix("ansible.builtin.")
            if word not in known_words:
                read.collector.refuse(
                    read.place(parts[key]), f"{key}: {value}", f"there are {', '.join(known_words)}"
                )
            else:
                setattr(play, key, word)

    def _vars_files(self, node: Node | None) -> list[Any]:
        """Each entry a name, or a list of which the first file that exists counts. What has no
        template is read now, so that its problems are told now."""
        read = self._document
        if node is None or is_null(node):
            return []
        found = []
        for each in items(node):
            value = read.data(each)
            found.append((value, read.place(each)))
            for name in value if isinstance(value, list) else [value]:
                if isinstance(name, str) and (path := self._directory / name).is_file():
                    document = self._loader.files.read(path)
                    if document is not None:
                        variables_of(document)
        return found

    def _tasks(self, play: Play, parts: dict[Any, Node], around: Around) -> None:
        pre = self._list(parts.get("pre_tasks"), around)
        roles = self._roles(parts.get("roles"), around)
        play.roles.extend(role for role in roles)
        main = [node for role in _once(roles) for node in role.tasks]
        main += self._list(parts.get("tasks"), around)
        post = self._list(parts.get("post_tasks"), around)
        play.sections = [pre, main, post]
        handlers = self._list(parts.get("handlers"), replace(around, handlers=True))
        for role in self._all_roles(play):
            play.handlers += [task for task in role.handlers if task not in play.handlers]
        play.handlers += _flat(handlers)
        self._check_notices(play)

    def _collections(self, node: Node | None) -> tuple[str, ...]:
        """Where roles without a full name are looked for too; modules and filters are known by name."""
        return () if node is None else tuple(map(str, names(self._document, node, "collections")))

    def _check_notices(self, play: Play) -> None:
        """A handler that nobody knows; where handlers may still come, or names are templates, it shows
        only when it is notified."""
        tasks = _flat([node for section in play.sections for node in section])
        dynamic = any(task.module in ("include_role", "include_tasks") for task in (*tasks, *play.handlers))
        dynamic = dynamic or self._loader.unread_handlers or bool(self._loader.missing_roles)
        if dynamic or any(isinstance(handler.name, Template) for handler in play.handlers):
            return
        known = {name for handler in play.handlers for name in _names_of(handler)}
        for task in tasks:
            for notice in task.keywords.notify:
                if isinstance(notice, str) and notice not in known:
                    self._document.collector.unknown(task.place, "handler", notice, known)

    def _all_roles(self, play: Play) -> list[Role]:
        found: list[Role] = []

        def add(role: Role) -> None:
            if role in found:
                return
            for dependency in role.dependencies:
                add(dependency)
            found.append(role)

        for role in (*play.roles, *self._loader.imported):
            add(role)
        play.roles[:] = found
        return found

    def _list(self, node: Node | None, around: Around) -> list[TaskNode]:
        return TaskReader(self._loader, self._document, around).nodes(node)

    def _roles(self, node: Node | None, around: Around) -> list[Role]:
        if node is None or is_null(node):
            return []
        if not isinstance(node, SequenceNode):
            self._document.collector.say(self._document.place(node), "roles are a list")
            return []
        found = (read_role(self._loader, self._document, each, around) for each in node.value)
        return [role for role in found if role is not None]


def _once(roles: list[Role]) -> list[Role]:
    """A role named twice with the same parameters runs once."""
    kept: list[Role] = []
    for role in roles:
        twice = any(role.path == other.path and role.params == other.params for other in kept)
        if role.allow_duplicates or not twice:
            kept.append(role)
    return kept


def _names_of(handler: Task) -> list[str]:
    own = [str(handler.name)] if handler.name else [handler.module]
    if handler.role is not None:
        own.append(f"{handler.role.name} : {own[0]}")
    return [*own, *(each for each in handler.listen if isinstance(each, str))]


def _flat(nodes: list[TaskNode]) -> list[Task]:
    found: list[Task] = []
    for node in nodes:
        if isinstance(node, Task):
            found.append(node)
        else:
            found += _flat([*node.block, *node.rescue, *node.always])
    return found
