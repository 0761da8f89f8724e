"""Lists of tasks and blocks, from nodes to Task and Block; what is imported is put in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest
from hostpool.inventory.yamlreader import Entry
from hostpool.playbook import keywords as words
from hostpool.playbook.arguments import parse
from hostpool.playbook.files import Document, is_null, mapping_of
from hostpool.playbook.keywords import BLOCK, LOOPS, TASK, conditions, names, read_keywords
from hostpool.playbook.model import Block, Keywords, Loop, Role, Task
from hostpool.playbook.model import Node as TaskNode
from hostpool.tasks.modules.detached import ATTACHED, SEVERAL
from hostpool.tasks.modules.parent import PARENT
from hostpool.tasks.modules.spec import BadArgument, Spec, converted
from hostpool.templating import has_template
from hostpool.templating.template import Lazy, Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

PREFIXES = (
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.posix.",
    "community.general.",
    "community.crypto.",
)
_SHOWN = {"_raw": "a command line"}
_IMPORTS = ("import_tasks", "import_role")
_LOOP_CONTROL = ("loop_var", "index_var", "label", "pause", "extended", "extended_allitems")


@dataclass(frozen=True, slots=True)
class Around:
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
        module = self._module(node, entries)
        if module is None:
            self._loader.unread_handlers |= self._around.handlers
            return []
        name, value, spec, delegated = module
        own = read_keywords(self._document, entries)
        defaults = self._defaults(spec, own.below(self._around.keywords))
        args = self._arguments(name, spec, value, by_key.get("args"), defaults)
        if delegated:
            own = replace(own, delegate_to="localhost", connection="local")
        task = Task(
            module=name,
            args=args,
            place=self._document.place(node),
            name=self._document.data(by_key["name"].value) if "name" in by_key else None,
            keywords=own.below(self._around.keywords),
            loop=self._loop(entries, by_key.get("loop_control")),
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

    def _module(self, node: MappingNode, entries: list[Entry]) -> tuple[str, Node | str, Spec, bool] | None:
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
        known = [entry for entry in candidates if self._spec(entry.key) is not None]
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
        spec = self._spec(entry.key)
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
        spec = self._spec(name)
        if spec is None:
            self._unknown(name, self._document.place(entry.value))
            return None
        return spec.name, value, spec, local

    def _spec(self, name: Any) -> Spec | None:
        text = str(name)
        for prefix in PREFIXES:
            if text.startswith(prefix):
                text = text.removeprefix(prefix)
                break
        return self._loader.specs.get(text)

    def _unknown(self, name: str, place: Place) -> None:
        near = nearest(name.rpartition(".")[2], self._loader.specs, 0.75)
        hint = f"did you mean {near}?" if near and near != name else None
        self._collector.refuse(place, f"the module {name!r}", hint)

    def _defaults(self, spec: Spec, words: Keywords) -> dict[str, Any]:
        """What ``module_defaults`` say of the module."""
        for layer in words.module_defaults:
            for name, (args, place) in layer.items():
                known = self._spec(name)
                if known is not None and known.name == spec.name:
                    for key in args:
                        self._check_name(spec, key, place)
                    return dict(args)
        return {}

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

    def _arguments(
        self, name: str, spec: Spec, value: Node | str, more: Entry | None, defaults: dict[str, Any]
    ) -> Any:
        args: dict[str, Any] | None = {}
        if more is None and isinstance(value, ScalarNode) and (spec.where == "host" or spec.extra):
            whole = self._document.data(value)
            lone = isinstance(whole, Template) and whole.is_lone_expression
            if lone and spec.free_form is None and not defaults:
                return whole
        if isinstance(value, MappingNode):
            args = mapping_of(self._document, value, f"the arguments of {name}")
            self._check_names(spec, value)
        elif isinstance(value, str):
            args = self._from_text(spec, value, Place(self._document.path))
        elif isinstance(value, ScalarNode) and not is_null(value):
            args = self._from_scalar(spec, value)
        elif not is_null(value):
            self._collector.say(self._document.place(value), f"{name} takes a mapping of arguments")
        if args is None:
            return {}
        if more is not None and isinstance(more.value, MappingNode):
            self._check_names(spec, more.value)
            args = {**mapping_of(self._document, more.value, "args"), **args}
        elif more is not None and not is_null(more.value):
            self._collector.refuse(self._document.place(more.value), "args that are no mapping")
        canonical = {spec.canonical(key) for key in args}
        args = {**{k: v for k, v in defaults.items() if spec.canonical(k) not in canonical}, **args}
        self._check_values(spec, args, self._document.place(value) if isinstance(value, Node) else None)
        return Lazy(args) if _lazy(args) else args

    def _from_scalar(self, spec: Spec, node: ScalarNode) -> dict[str, Any] | None:
        text = self._document.plain(node)
        place = self._document.place(node)
        if not isinstance(text, str):
            text = str(text)
        return self._from_text(spec, text, place)

    def _from_text(self, spec: Spec, text: str, place: Place) -> dict[str, Any] | None:
        """None: it cannot be read, and that is told."""
        try:
            if spec.free_form is not None:
                names = frozenset(spec.params) | frozenset(a for p in spec.params.values() for a in p.aliases)
                given, rest = parse(text, names - {spec.free_form})
                found: dict[str, Any] = dict(given)
                if rest:
                    found[spec.free_form] = rest
            else:
                given, rest = parse(text)
                found = dict(given)
                if rest:
                    self._collector.say(
                        place,
                        f"{spec.name}: {rest[:40]!r} is no key=value",
                        "write the arguments as a mapping",
                    )
        except ValueError as error:
            self._collector.say(place, f"{spec.name}: {error}")
            return None
        for key in found:
            if key != spec.free_form:
                self._check_name(spec, key, place)
        return {key: self._template(value, place) for key, value in found.items()}

    def _template(self, value: str, place: Place) -> Any:
        if not has_template(value):
            return value
        template = Template(value, place)
        self._document._files.check(template)
        return template

    def _check_names(self, spec: Spec, node: MappingNode) -> None:
        for entry in self._document.entries(node):
            self._check_name(spec, str(entry.key), self._document.place(entry.key_node))

    def _check_name(self, spec: Spec, key: str, place: Place) -> None:
        hidden = key.startswith("_") and not spec.extra
        if not hidden and (spec.extra or spec.canonical(key) is not None):
            return
        if key in spec.refused:
            self._collector.refuse(place, f"{spec.name}: the parameter {key!r}", spec.refused[key] or None)
            return
        known = [*spec.params, *(alias for param in spec.params.values() for alias in param.aliases)]
        self._collector.unknown(place, f"parameter of {spec.name}", key, known)

    def _check_values(self, spec: Spec, args: dict[str, Any], place: Place | None) -> None:
        at = place if place is not None else Place(self._document.path)
        given = {own for key in args if (own := spec.canonical(key))}
        if not spec.extra and any(spec.canonical(key) is None for key in args):
            return  # what is missing may be what is misspelt
        for own, param in spec.params.items():
            if param.required and own not in given:
                self._collector.say(at, f"{spec.name} needs the parameter {own!r}")
        if spec.one_of and not given & set(spec.one_of):
            self._collector.say(at, f"{spec.name} needs {' or '.join(_SHOWN.get(n, n) for n in spec.one_of)}")
        for key, value in args.items():
            own_name = spec.canonical(key)
            if own_name is None or isinstance(value, Template | Lazy) or value is None:
                continue
            try:
                converted(spec.params[own_name], own_name, value)
            except BadArgument as error:
                self._collector.say(at, f"{spec.name}: {error}")

    # -- loops -------------------------------------------------------------------------------------------

    def _loop(self, entries: list[Entry], control: Entry | None) -> Loop | None:
        loops = [entry for entry in entries if entry.key == "loop" or str(entry.key).startswith("with_")]
        if not loops:
            return None
        entry = loops[0]
        place = self._document.place(entry.key_node)
        if len(loops) > 1:
            self._collector.say(place, "a task has one loop")
        kind = (
            "loop"
            if entry.key == "loop"
            else str(entry.key).removeprefix("with_").removeprefix("ansible.builtin.")
        )
        if kind != "loop" and kind not in LOOPS:
            self._collector.refuse(place, f"with_{kind}", "write it with loop: and a filter or a lookup")
        options = self._loop_options(control)
        return Loop(
            kind=kind,
            value=self._document.data(entry.value),
            place=place,
            var=options.get("loop_var", "item"),
            index_var=options.get("index_var"),
            label=options.get("label"),
            pause=options.get("pause", 0),
            extended=options.get("extended", False),
            allitems=options.get("extended_allitems", True),
            break_when=options.get("break_when", ()),
        )

    def _loop_options(self, control: Entry | None) -> dict[str, Any]:
        if control is None or is_null(control.value):
            return {}
        if not isinstance(control.value, MappingNode):
            self._collector.say(self._document.place(control.value), "loop_control is a mapping")
            return {}
        found: dict[str, Any] = {}
        for entry in self._document.entries(control.value):
            if entry.key == "break_when":
                found["break_when"] = conditions(self._document, entry.value)
            elif entry.key not in _LOOP_CONTROL:
                self._collector.unknown(
                    self._document.place(entry.key_node),
                    "keyword of loop_control",
                    str(entry.key),
                    _LOOP_CONTROL,
                )
            else:
                found[entry.key] = self._document.data(entry.value)
        return found

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


def _lazy(args: dict[str, Any]) -> bool:
    return any(isinstance(value, Template | Lazy) for value in args.values())
