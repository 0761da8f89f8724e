"""Roles: directories of tasks, handlers, defaults, variables and dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from yaml.nodes import MappingNode, Node, SequenceNode

from hostpool.inventory.model import Place
from hostpool.playbook.files import Document, is_null, variables_of
from hostpool.playbook.keywords import ROLE, names, read_keywords
from hostpool.playbook.model import Node as TaskNode
from hostpool.playbook.model import Role, Task
from hostpool.playbook.rolepaths import find_role, missing
from hostpool.playbook.taskfile import Around, TaskReader

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

_EXTENSIONS = ("", ".yml", ".yaml", ".json")


class RoleReader:
    def __init__(self, loader: Loader, around: Around) -> None:
        self._loader = loader
        self._around = around
        self._collector = loader.collector

    def use(self, name: str, args: Mapping[str, Any], place: Place, *, static: bool) -> Role | None:
        """The role loaded; None where there is none (that is a problem then)."""
        path = find_role(self._loader, name, self._around.role)
        if path is None:
            missing(self._loader, name, place)
            return None
        marker = f"role {path}"
        if marker in self._around.importing:
            self._collector.say(place, f"the role {name} uses itself")
            return None
        role = Role(
            name=name.rpartition("/")[2], path=str(path), parent=self._around.role,
            params=dict(args.get("_params", {})),
            public=static or args.get("public") in (True, "yes", "true"),
            allow_duplicates=args.get("allow_duplicates", False) in (True, "yes", "true"),
        )  # fmt: skip
        self._loader.saw(role)
        role.defaults = self._variables(path / "defaults", str(args.get("defaults_from", "main")))
        role.vars = self._variables(path / "vars", str(args.get("vars_from", "main")))
        around = replace(self._around, role=role, importing=(*self._around.importing, marker), handlers=False)
        self._meta(role, path, around)
        if static:
            self._loader.imported.append(role)
        role.handlers = [
            task for task in self._tasks(path, "handlers", str(args.get("handlers_from", "main")), replace(
                around, handlers=True, keywords=replace(around.keywords, when=(), tags=frozenset()),
            ), None) if isinstance(task, Task)
        ]  # fmt: skip
        role.tasks = [
            *(node for dependency in role.dependencies for node in dependency.tasks),
            *self._tasks(path, "tasks", str(args.get("tasks_from", "main")), around,
                         place if "tasks_from" in args else None),
        ]  # fmt: skip
        return role

    def _file(self, directory: Path, name: str) -> Path | None:
        return next((path for ext in _EXTENSIONS if (path := directory / f"{name}{ext}").is_file()), None)

    def _variables(self, directory: Path, name: str) -> dict[str, Any]:
        path = self._file(directory, name)
        paths = [path] if path is not None else []
        if path is None and name == "main" and (directory / "main").is_dir():
            paths = sorted(
                p for p in (directory / "main").iterdir() if p.suffix in (".yml", ".yaml", ".json")
            )
        found: dict[str, Any] = {}
        for each in paths:
            document = self._loader.files.read(each)
            if document is not None:
                found.update(variables_of(document))
        return found

    def _tasks(self, path: Path, kind: str, name: str, around: Around, at: Place | None) -> list[TaskNode]:
        found = self._file(path / kind, name)
        if found is None:
            if at is not None:
                self._collector.say(at, f"the role has no {kind}/{name}.yml")
            return []
        document = self._loader.files.read(found, at)
        if document is None:
            return []
        inner = replace(around, directory=found.parent, importing=(*around.importing, str(found)))
        return TaskReader(self._loader, document, inner).nodes(document.root)

    def _meta(self, role: Role, path: Path, around: Around) -> None:
        found = self._file(path / "meta", "main")
        document = None if found is None else self._loader.files.read(found)
        if document is None or not isinstance(document.root, MappingNode):
            return
        for entry in document.entries(document.root):
            if entry.key == "allow_duplicates":
                role.allow_duplicates = bool(document.plain(entry.value))
            elif entry.key == "collections":
                role.collections = tuple(map(str, names(document, entry.value, "collections")))
            elif entry.key == "dependencies" and isinstance(entry.value, SequenceNode):
                for node in entry.value.value:
                    dependency = read_role(self._loader, document, node, around)
                    if dependency is not None:
                        role.dependencies.append(dependency)


def read_role(loader: Loader, document: Document, node: Node, around: Around) -> Role | None:
    """One entry of ``roles:`` or ``dependencies:``: a name, or a mapping with parameters."""
    place = document.place(node)
    if not isinstance(node, MappingNode):
        if is_null(node):
            return None
        return loader.role({"name": document.data(node)}, place, around, static=True)
    entries = document.entries(node)
    own = read_keywords(document, entries)
    args: dict[str, Any] = {}
    params: dict[str, Any] = {}
    for entry in entries:
        if entry.key in ("role", "name"):
            args["name"] = document.data(entry.value)
        elif entry.key in ("tasks_from", "vars_from", "defaults_from", "handlers_from"):
            args[entry.key] = document.plain(entry.value)
        elif entry.key not in ROLE and entry.key not in ("src", "version", "scm"):
            params[str(entry.key)] = document.data(entry.value)
    for layer in reversed(own.vars):
        params.update(layer)
    if "name" not in args:
        loader.collector.say(place, "the role has no name", "write role: NAME")
        return None
    args["_params"] = params
    keywords = replace(own, vars=()).below(around.keywords)
    return loader.role(args, place, replace(around, keywords=keywords), static=True)
