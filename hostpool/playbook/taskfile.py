"""Lists of tasks and blocks, from nodes to Task and Block; what is imported is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from yaml.nodes import MappingNode, Node, SequenceNode

from hostpool.inventory.yamlreader import Entry
from hostpool.playbook import keywords as words
from hostpool.playbook.files import Document, is_null
from hostpool.playbook.keywords import BLOCK, conditions, names, read_keywords
from hostpool.playbook.looplines import read_loop
from hostpool.playbook.model import Block, Keywords, Role, Task
from hostpool.playbook.model import Node as TaskNode
from hostpool.playbook.taskargs import ArgumentReader
from hostpool.playbook.taskmodule import ModuleReader
from hostpool.tasks.modules.detached import ATTACHED, SEVERAL
from hostpool.tasks.modules.parent import PARENT
from hostpool.templating.template import Lazy, Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

_IMPORTS = ("import_tasks", "import_role")


class Around(msgspec.Struct, frozen=True):
    """What surrounds a list of tasks."""

    keywords: Keywords
    role: Role | None = None
    directory: Path = Path()
    handlers: bool = False
    importing: tuple[str, ...] = ()


class TaskReader:
    def __init__(self, loader: Loader, document: Document, around: Around) -> None:
        self._loader = loader
        self._document = document
        self._around = around
        self._collector = document.collector
        self._modules = ModuleReader(document, loader.specs)
        self._arguments = ArgumentReader(document, self._modules)

    def nodes(self, node: Node | None) -> list[TaskNode]:
        """The tasks of a list; None and an empty file are an empty list."""
        if node is None or is_null(node):
            return []
        if not isinstance(node, SequenceNode):
            self._collector.say(self._document.place(node), "tasks are a list", "begin each with - name:")
            return []
        found: list[TaskNode] = []
        for each in node.value:
            if isinstance(each, MappingNode):
                found += self._node(each)
            elif not is_null(each):
                self._collector.say(
                    self._document.place(each), "a task is a mapping", "write module: and its arguments"
                )
        return found

    def _node(self, node: MappingNode) -> list[TaskNode]:
        # A key that stands twice is a problem already told.
        by_key = {entry.key: entry for entry in self._document.entries(node)}
        entries, keys = list(by_key.values()), set(by_key)
        if "block" in keys:
            return [self._block(node, entries)]
        if keys & {"rescue", "always"}:
            self._collector.say(self._document.place(node), "rescue and always belong to a block")
            return []
        return self._task(node, entries)

    def _block(self, node: MappingNode, entries: list[Entry]) -> Block:
        words.refuse_unknown(self._document, entries, BLOCK, "block")
        inner = read_keywords(self._document, entries).below(self._around.keywords)
        reader = TaskReader(self._loader, self._document, replace(self._around, keywords=inner))
        parts = {entry.key: entry.value for entry in entries}
        return Block(
            reader.nodes(parts.get("block")),
            reader.nodes(parts.get("rescue")),
            reader.nodes(parts.get("always")),
            name=self._document.data(parts["name"]) if "name" in parts else None,
        )

    def _task(self, node: MappingNode, entries: list[Entry]) -> list[TaskNode]:
        self._loader.count_task()
        by_key = {entry.key: entry for entry in entries}
        module = self._modules.find(node, entries)
        if module is None:
            self._loader.unread_handlers |= self._around.handlers
            return []
        name, value, spec, delegated = module
        own = read_keywords(self._document, entries)
        defaults = self._arguments.defaults(spec, own.below(self._around.keywords))
        args = self._arguments.read(name, spec, value, by_key.get("args"), defaults)
        if delegated:
            own = replace(own, delegate_to="localhost", connection="local")
        task = Task(
            module=name,
            args=args,
            place=self._document.place(node),
            name=self._document.data(by_key["name"].value) if "name" in by_key else None,
            keywords=own.below(self._around.keywords),
            loop=read_loop(self._document, entries, by_key.get("loop_control")),
            role=self._around.role,
            handler=self._around.handlers,
            apply=self._apply(name, value, by_key.get("args")),
        )
        self._rest(task, by_key)
        self._loader.saw(task)
        self._refuse_once(task)
        if name in _IMPORTS:
            return self._imported(task, own)
        self._loader.look_ahead(task, self._around)
        return [task]

    def _refuse_once(self, task: Task) -> None:
        """A role that is not to run again: whether it has is another question for every host."""
        args = task.args.value if isinstance(task.args, Lazy) else task.args
        if task.module in ("include_role", "import_role") and isinstance(args, dict):
            again = args.get("allow_duplicates", True)
            if isinstance(again, Template) or str(again).lower() in words.FALSE_WORDS:
                self._collector.refuse(task.place, f"{task.module}: allow_duplicates: false")

    def _rest(self, task: Task, by_key: dict[Any, Entry]) -> None:
        read = self._document
        if (entry := by_key.get("register")) is not None:
            value = read.plain(entry.value)
            if isinstance(value, str) and value.isidentifier():
                task.register = value
            else:
                self._collector.say(
                    read.place(entry.value), f"register takes a variable's name, not {value!r}"
                )
        if (entry := by_key.get("changed_when")) is not None:
            task.changed_when = conditions(read, entry.value)
        if (entry := by_key.get("failed_when")) is not None:
            task.failed_when = conditions(read, entry.value)
        if (entry := by_key.get("until")) is not None:
            task.until = conditions(read, entry.value)
        if (entry := by_key.get("retries")) is not None:
            task.retries = read.data(entry.value)
        if (entry := by_key.get("delay")) is not None:
            task.delay = read.data(entry.value)
        if (entry := by_key.get("listen")) is not None:
            task.listen = names(read, entry.value, "listen")
        if (entry := by_key.get("async")) is not None:
            task.limit = read.data(entry.value)
            self._check_detached(task, entry)
        if (entry := by_key.get("poll")) is not None:
            task.poll = read.data(entry.value)
            if task.poll in (0, "0") and task.limit not in (None, 0, "0") and task.module in SEVERAL:
                self._collector.refuse(
                    read.place(entry.key_node),
                    f"{task.module} with poll: 0",
                    "it changes a host by several requests; with a poll it waits for the first",
                )

    def _check_detached(self, task: Task, entry: Entry) -> None:
        place = self._document.place(entry.key_node)
        value = task.limit
        if value is None or value in (0, "0"):
            return
        if task.module in PARENT or task.module in ATTACHED:
            self._collector.refuse(
                place, f"{task.module} with async", "what it does cannot go on without the connection"
            )
        if not isinstance(value, Template | Lazy) and not str(value).isdecimal():
            self._collector.say(place, f"async is a number of seconds, not {value!r}")

    # -- the module and its arguments --------------------------------------------------------------------

    def _apply(self, name: str, value: Node | str, more: Entry | None) -> Keywords | None:
        """``apply:`` of an include."""
        if name not in ("include_tasks", "include_role"):
            return None
        for node in (value, more.value if more is not None else None):
            for entry in self._document.entries(node) if isinstance(node, MappingNode) else ():
                if entry.key == "apply" and isinstance(entry.value, MappingNode):
                    inner = self._document.entries(entry.value)
                    words.refuse_unknown(self._document, inner, words.SHARED - {"name"}, "apply")
                    return read_keywords(self._document, inner)
        return None

    # -- imports -----------------------------------------------------------------------------------------

    def _imported(self, task: Task, own: Keywords) -> list[TaskNode]:
        if task.loop is not None:
            self._collector.say(task.place, f"{task.module} cannot be in a loop", "include_tasks can")
            return []
        args = task.args.value if isinstance(task.args, Lazy) else task.args
        around = replace(self._around, keywords=task.keywords)
        if task.module == "import_role":
            role = self._loader.role(args, task.place, around, static=True)
            return [] if role is None else list(role.tasks)
        name = self._loader.static_text(args.get("file"), task.place, "import_tasks", around)
        return [] if name is None else self._loader.task_file(name, task.place, around)
