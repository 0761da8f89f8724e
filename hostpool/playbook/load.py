"""From files to a Playbook: everything that is wrong in any of them is found before it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from yaml.nodes import MappingNode, SequenceNode

from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest
from hostpool.playbook.files import Document, Files, is_null
from hostpool.playbook.model import Node as TaskNode
from hostpool.playbook.model import Play, Playbook, Role, Task
from hostpool.playbook.plays import PlayReader
from hostpool.playbook.problems import Collector
from hostpool.playbook.roles import RoleReader
from hostpool.playbook.taskfile import Around, TaskReader
from hostpool.secrets import Secret
from hostpool.tasks.modules.spec import Spec
from hostpool.templating.scope import Scope
from hostpool.templating.template import Lazy, RenderError, Template


class Loader:
    """Loads playbooks, and while they run what they include. ``extra`` are the ``-e`` variables."""

    def __init__(
        self,
        specs: Mapping[str, Spec],
        *,
        passwords: Sequence[Secret] = (),
        extra: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.specs = specs
        self.collector = Collector()
        self.files = Files(self.collector, passwords)
        self.extra = extra or {}
        self.directory = Path()
        self.play_vars: Mapping[str, Any] = {}
        self.imported: list[Role] = []
        """Roles whose tasks stand in what is being loaded, dependencies first."""
        self.play_collections: tuple[str, ...] = ()
        self._looking = False
        self.roles_seen: list[Role] = []
        self.tasks_seen: list[Task] = []
        self.missing_roles: set[str] = set()
        self.unread_handlers = False
        """Whether there are handlers that could not be read: they may well be those that are notified."""
        self.environ = os.environ if environ is None else environ
        self.files.static = lambda template, place, what: self.static_value(template, place, what, None)
        self._tasks = 0
        self._including: list[str] = []

    def load(self, paths: Sequence[Path | str]) -> Playbook:
        """The playbooks, one after the other. Raises PlaybookError or Problems."""
        book = self.look(paths)
        self.collector.raise_any()
        return book

    def look(self, paths: Sequence[Path | str]) -> Playbook:
        """As ``load``, but what is wrong stays in the collector."""
        book = Playbook()
        self._looking = True
        for path in paths:
            book.plays += self._plays(Path(os.path.abspath(path)), None, ())  # noqa: PTH100 -- links stay
        book.files = self.files.names
        book.tasks = self._tasks
        self._looking = False
        return book

    def count_task(self) -> None:
        self._tasks += 1

    def saw(self, found: Task | Role) -> None:
        """While playbooks are looked at: what is in any of their files, included or not."""
        if self._looking and isinstance(found, Task):
            self.tasks_seen.append(found)
        elif self._looking and isinstance(found, Role):
            self.roles_seen.append(found)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Files read inside do not count as the playbook's, nor does what is wrong with them."""
        known = len(self.files.names)
        with self.collector.quietly():
            yield
        del self.files.names[known:]

    def _plays(self, path: Path, at: Place | None, importing: tuple[str, ...]) -> list[Play]:
        if str(path) in importing:
            self.collector.say(at or Place(str(path)), f"{path.name} imports itself")
            return []
        document = self.files.read(path, at)
        if document is None or is_null(document.root):
            if document is not None:
                self.collector.say(Place(str(path)), "the playbook is empty")
            return []
        if not isinstance(document.root, SequenceNode):
            self.collector.say(document.place(document.root), "a playbook is a list of plays",  # type: ignore[arg-type]  # not None: is_null said so
                               "begin with - hosts:")  # fmt: skip
            return []
        plays: list[Play] = []
        for node in document.root.value:
            plays += self._play(document, node, path, (*importing, str(path)))
        return plays

    def _play(self, document: Document, node: Any, path: Path, importing: tuple[str, ...]) -> list[Play]:
        if not isinstance(node, MappingNode):
            self.collector.say(document.place(node), "a play is a mapping", "begin with - hosts:")
            return []
        entries = document.entries(node)
        for entry in entries:
            if str(entry.key).removeprefix("ansible.builtin.") in ("import_playbook", "include"):
                return self._import(document, entries, entry, path, importing)
        self.directory = path.parent
        return [PlayReader(self, document, path.parent).play(node, entries)]

    def _import(
        self, document: Document, entries: list[Any], entry: Any, path: Path, importing: tuple[str, ...]
    ) -> list[Play]:
        from hostpool.playbook.keywords import read_keywords, refuse_unknown

        rest = [each for each in entries if each is not entry]
        refuse_unknown(document, rest, frozenset({"name", "when", "tags", "vars"}), "import_playbook")
        own = read_keywords(document, rest)
        place = document.place(entry.value)
        name = self.static_text(document.data(entry.value), place, "import_playbook", None)
        if name is None:
            return []
        plays = self._plays(path.parent / name.strip(), place, importing)
        for play in plays:
            _push_down(play, own)
        return plays

    # -- files of tasks --------------------------------------------------------------------------------

    def static_text(self, value: Any, place: Place, what: str, around: Around | None) -> str | None:
        """A name that must be known before any host is asked; templates of ``-e`` and play variables."""
        if value is None:
            self.collector.say(place, f"{what} needs a file")
            return None
        if isinstance(value, Template):
            value = self.static_value(value, place, what, around)
        return None if value is None else str(value)

    def static_value(self, value: Template, place: Place, what: str, around: Around | None) -> Any:
        """None where it cannot be known; that is told."""
        layers = [self.extra, *(around.keywords.vars if around is not None else ()), self.play_vars]
        layers.append({"playbook_dir": str(self.directory)})
        if around is not None and around.role is not None:
            layers.append({"role_path": around.role.path, "role_name": around.role.name})
            for role in around.role.chain():
                layers += [role.params, role.vars, role.defaults]
        try:
            return value.render(Scope(*layers))
        except RenderError as error:
            self.collector.say(
                place,
                f"{what}: {error.message}",
                "only -e and play variables are known here; include_* may use a host's own",
            )
            return None

    def task_file(self, name: str, place: Place, around: Around) -> list[TaskNode]:
        """The tasks of a file that is imported or included."""
        path = self.find_tasks(name, around)
        if path is None:
            self._missing(name, place, around)
            return []
        if str(path) in around.importing:
            self.collector.say(place, f"{name} includes itself", "an include needs a condition that ends it")
            return []
        document = self.files.read(path, place)
        if document is None:
            return []
        inner = replace(around, directory=path.parent, importing=(*around.importing, str(path)))
        return TaskReader(self, document, inner).nodes(document.root)

    def find_tasks(self, name: str, around: Around) -> Path | None:
        bases = [around.directory]
        kinds = ("handlers", "tasks") if around.handlers else ("tasks",)
        if around.role is not None:
            bases += [*(Path(around.role.path, kind) for kind in kinds), Path(around.role.path)]
        bases += [*(self.directory / kind for kind in kinds), self.directory]
        candidates = [Path(name)] if Path(name).is_absolute() else [base / name for base in bases]
        return next((Path(os.path.abspath(path)) for path in candidates if path.is_file()), None)  # noqa: PTH100

    def _missing(self, name: str, place: Place, around: Around) -> None:
        wanted = Path(name).name
        there = {
            entry.name
            for base in (around.directory, self.directory)
            if base.is_dir()
            for entry in base.iterdir()
        }
        near = nearest(wanted, there)
        self.collector.say(
            place,
            f"there is no file {name}",
            f"did you mean {near}?" if near else f"looked in {around.directory} and beside the playbook",
        )

    def look_ahead(self, task: Task, around: Around) -> None:
        """What an include will load is looked at now where its name is known."""
        if task.module not in ("include_tasks", "include_role"):
            return
        known = len(self.imported)
        self._look_ahead(task, around)
        del self.imported[known:]  # they are not there before the include is

    def _look_ahead(self, task: Task, around: Around) -> None:
        args = task.args.value if isinstance(task.args, Lazy) else task.args
        if task.module == "include_role":
            if isinstance(args.get("name"), str) and not any(isinstance(v, Template) for v in args.values()):
                key = f"role:{args.get('name')}:{args.get('tasks_from')}"
                if key not in self._including:
                    self._including.append(key)
                    self.role(args, task.place, replace(around, keywords=task.keywords), static=False)
            return
        name = args.get("file")
        if not isinstance(name, str):
            return
        path = self.find_tasks(name, around)
        if path is None:
            self._missing(name, task.place, around)
        elif str(path) not in self._including:
            self._including.append(str(path))
            self.task_file(name, task.place, around)

    # -- roles -----------------------------------------------------------------------------------------

    def role(self, args: Mapping[str, Any], place: Place, around: Around, *, static: bool) -> Role | None:
        """A role as ``include_role``, ``import_role`` or a play uses it, its tasks loaded."""
        name = self.static_text(args.get("name", args.get("role")), place, "a role", around)
        return None if name is None else RoleReader(self, around).use(name, args, place, static=static)


def _push_down(play: Play, own: Any) -> None:
    """Keywords of ``import_playbook`` reach every task of the imported plays."""
    from hostpool.playbook.model import Block

    def push(nodes: list[TaskNode]) -> None:
        for node in nodes:
            if isinstance(node, Block):
                push(node.block)
                push(node.rescue)
                push(node.always)
            else:
                node.keywords = node.keywords.below(own)

    for section in play.sections:
        push(section)
    push(list(play.handlers))
    play.keywords = play.keywords.below(replace(own, when=()))
    play.vars = {**play.vars, **{k: v for layer in reversed(own.vars) for k, v in layer.items()}}
