"""Every text of a run that may be rendered, as far as all of them are known before they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostpool.errors import HostpoolError
from hostpool.playbook.files import variables_of
from hostpool.playbook.lookuppaths import SEARCH_PATH, find
from hostpool.playbook.model import Play, Task
from hostpool.playbook.readings import by_name
from hostpool.playbook.variables import search_path
from hostpool.playbook.world import World
from hostpool.templating import has_template
from hostpool.templating.template import MADE, Lazy, Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader


class Unknown(Exception):
    """There are, or may come to be, texts that cannot be found before the run comes to them."""


def texts(loader: Loader, plays: Iterable[Play], world: World, extra: Mapping[str, Any]) -> list[Template]:
    """Raises Unknown."""
    if loader.missing_roles or loader.unread_handlers:
        raise Unknown("roles or handlers that could not be read")
    plays = list(plays)
    found: list[Template] = []
    for play in plays:
        _vars_files(loader, play)
        if play.prompts:
            raise Unknown("what is typed is a template too")
    directories = list(dict.fromkeys(play.directory for play in plays))
    for task in loader.tasks_seen:
        found += _of_task(task, directories)
    found += _outside(world, extra)
    return [*loader.files.templates, *found]


def _vars_files(loader: Loader, play: Play) -> None:
    """Reads them: what is in them is then among the templates of the loader's files."""
    for value, _ in play.vars_files:
        names = value if isinstance(value, list) else [value]
        if isinstance(value, MADE) or any(isinstance(name, MADE) for name in names):
            raise Unknown("a file of variables with a template for its name")
        paths = [Path(play.directory, str(name)) for name in names]
        path = next((path for path in paths if path.is_file()), None)
        document = None if path is None else loader.files.read(path)
        if document is None:
            raise Unknown("a file of variables that is not there")
        variables_of(document)


def _of_task(task: Task, directories: list[str]) -> Iterator[Template]:
    """What is a template only in the eyes of this module."""
    args = task.args.value if isinstance(task.args, Lazy) else task.args
    if task.loop is not None and by_name(task.loop.kind):
        raise Unknown(f"with_{task.loop.kind}")
    if task.module in ("include_vars", "add_host"):
        raise Unknown(f"{task.module} brings variables")
    if task.module in ("include_tasks", "include_role", "template", "debug", "assert", "set_fact"):
        if not isinstance(args, dict):
            raise Unknown(f"the arguments of {task.module} are a template")
        yield from _READERS[task.module](task, args, directories)


def _include(task: Task, args: dict[str, Any], directories: list[str]) -> list[Template]:
    if any(isinstance(value, MADE) for value in args.values()):
        raise Unknown("an include of what only the run knows")
    return []


def _template(task: Task, args: dict[str, Any], directories: list[str]) -> list[Template]:
    name = args.get("src")
    if not isinstance(name, str):
        raise Unknown("a template file with a template for its name")
    found = []
    for directory in directories:
        try:
            path = find(name, {SEARCH_PATH: search_path(task, directory)}, "templates")
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Unknown(f"{name} cannot be read") from error
        found.append(Template(text))
    return found


def _debug(task: Task, args: dict[str, Any], directories: list[str]) -> list[Template]:
    name = args.get("var")
    if isinstance(name, MADE):
        raise Unknown("debug of a variable that only the run knows")
    return [] if name is None else [Template(str(name), task.place, expression=True)]


def _assert(task: Task, args: dict[str, Any], directories: list[str]) -> list[Template]:
    said = args.get("that")
    said = said.value if isinstance(said, Lazy) else said
    items = said if isinstance(said, list) else [said]
    return [Template(item, task.place, expression=True) for item in items if isinstance(item, str)]


def _set_fact(task: Task, args: dict[str, Any], directories: list[str]) -> list[Template]:
    return [Template(name, task.place) for name in map(str, args) if has_template(name)]


_READERS = {
    "include_tasks": _include, "include_role": _include, "template": _template, "debug": _debug,
    "assert": _assert, "set_fact": _set_fact,
}  # fmt: skip


def _outside(world: World, extra: Mapping[str, Any]) -> list[Template]:
    """Of the inventory and of ``-e``; what many hosts have in common once."""
    seen: set[str] = set()
    try:
        for variables in (extra, *(world.plain_vars(host) for host in world.hosts)):
            for value in variables.values():
                _strings(value, seen)
    except HostpoolError as error:
        raise Unknown("variables that cannot be read") from error
    return [Template(text) for text in seen]


def _strings(value: Any, seen: set[str]) -> None:
    if isinstance(value, str):
        if has_template(value):
            seen.add(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _strings(key, seen)
            _strings(item, seen)
    elif isinstance(value, list | tuple):
        for item in value:
            _strings(item, seen)
