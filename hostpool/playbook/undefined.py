"""Variables that a playbook reads and nothing defines, as far as that shows without running it.

It is better to miss one than to name one wrongly: nothing is said where anything dynamic might define a
name, where a condition, a loop or a rescue might keep it from being read, nor of names that are asked for
(``is defined``, ``default``) anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode

from hostpool.errors import PlaybookError
from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest
from hostpool.playbook.model import Block, Node, Play, Task
from hostpool.playbook.problems import NOT_SUPPORTED
from hostpool.templating import has_template
from hostpool.templating.environment import environment, nodes
from hostpool.templating.template import Lazy, RenderError, Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

_MAGIC = frozenset(
    ("inventory_hostname", "inventory_hostname_short", "inventory_dir", "inventory_file", "groups",
     "group_names", "hostvars", "playbook_dir", "play_hosts", "role_name", "role_path", "role_names",
     "environment", "vars", "omit", "item", "services", "packages", "module_setup", "rc", "stdout", "stderr",
     "stdout_lines", "stderr_lines", "failed", "changed", "skipped", "msg", "results",
     "discovered_interpreter_python")
)  # fmt: skip
"""What is always there, what modules put among the variables, and what a result's own conditions see."""
_PREFIXES = ("ansible_", "getent_")
_ASKING = ("default", "d", "mandatory")
_OWN_NAMES = (nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.Include, nodes.Import, nodes.FromImport,
              nodes.With, nodes.CallBlock, nodes.FilterBlock, nodes.Block, nodes.Extends)  # fmt: skip


def asked_for(tree: nodes.Template) -> Iterator[str]:
    """Names whose absence the template reckons with."""
    for compare in tree.find_all(nodes.Compare):
        words = [compare.expr, *(operand.expr for operand in compare.ops)]
        yield from (str(word.value) for word in words if isinstance(word, nodes.Const))
    for kind in (nodes.Filter, nodes.Test):
        for node in tree.find_all(kind):
            if node.name in (*_ASKING, "defined", "undefined") and node.node is not None:
                yield from (name.name for name in node.node.find_all(nodes.Name))
                if isinstance(node.node, nodes.Name):
                    yield node.node.name


def read_for_certain(node: nodes.Node) -> Iterator[str]:
    """Names that rendering cannot do without."""
    if isinstance(node, nodes.Name):
        yield node.name
        return
    parts: Iterable[nodes.Node] = node.iter_child_nodes()
    if isinstance(node, nodes.Filter) and node.name in _ASKING:
        parts = node.args
    elif isinstance(node, nodes.Test) and node.name in ("defined", "undefined"):
        parts = ()
    elif isinstance(node, nodes.And | nodes.Or):
        parts = (node.left,)
    elif isinstance(node, nodes.CondExpr | nodes.If):
        parts = (node.test,)
    elif isinstance(node, nodes.For):
        parts = (node.iter,)
    for part in parts:
        yield from read_for_certain(part)


def tell(loader: Loader, plays: Iterable[Play], outside: Iterable[str], asked: frozenset[str]) -> None:
    """Adds what is found to the loader's problems. ``outside``: names of the inventory and ``-e``."""
    known = _known(loader, plays, outside)
    if known is None:
        return
    for play in plays:
        for section in play.sections:
            for task in _certain(section):
                for template in _templates(task):
                    _check(loader, template, known, asked)


def _check(loader: Loader, template: Template, known: frozenset[str], asked: frozenset[str]) -> None:
    try:
        tree = template.parse()
    except RenderError:
        return  # told already
    if any(tree.find(kind) for kind in _OWN_NAMES) or not isinstance(template.place, Place):
        return
    for name in dict.fromkeys(read_for_certain(tree)):
        if name in known or name in asked or name in _MAGIC or name.startswith(_PREFIXES):
            continue
        if name in environment().globals:
            continue
        near = nearest(name, known, 0.75)
        hint = f"did you mean {near}?" if near else "define it in vars, defaults or the inventory, or with -e"
        loader.collector.say(_at(template.place, name), f"the variable {name!r} is defined nowhere", hint)


def _at(place: Place, name: str) -> Place:
    """Where in its line the name stands, if it is that line."""
    found = re.search(rf"\b{re.escape(name)}\b", (place.text or "")[(place.column or 1) - 1 :])
    return place if found is None else place._replace(column=(place.column or 1) + found.start())


# -- what is read for certain --------------------------------------------------------------------------


def _certain(section: list[Node]) -> Iterator[Task]:
    """Tasks whose failure would be a failure."""
    for node in section:
        if isinstance(node, Block):
            if not node.rescue:
                yield from _certain([*node.block, *node.always])
        elif node.keywords.ignore_errors in (None, False) and "never" not in node.keywords.tags:
            yield node


def _templates(task: Task) -> Iterator[Template]:
    words = task.keywords
    if words.when:
        yield words.when[0]
    elif task.loop is not None:
        yield from _inside(task.loop.value)
    elif task.module not in ("debug", "assert"):
        yield from _inside(task.args)


def _inside(value: Any) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Lazy):
        yield from _inside(value.value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(key)
            yield from _inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from _inside(item)


# -- what is defined -----------------------------------------------------------------------------------


def _known(loader: Loader, plays: Iterable[Play], outside: Iterable[str]) -> frozenset[str] | None:
    """None: something may define anything."""
    if loader.missing_roles or any(_may_define(error) for error in loader.collector.found):
        return None
    known = set(outside)
    for play in plays:
        known |= {*play.vars, *(prompt.name for prompt in play.prompts)}
        for value, _ in play.vars_files:
            names = value.value if isinstance(value, Lazy) else value
            for name in names if isinstance(names, list) else [names]:
                if not _read(loader, known, name, [Path(play.directory)]):
                    return None
    for role in loader.roles_seen:
        known |= {*role.params, *role.vars, *role.defaults}
    for task in loader.tasks_seen:
        if not _defines(loader, known, task):
            return None
    return frozenset(known)


def _may_define(error: PlaybookError) -> bool:
    return error.kind == NOT_SUPPORTED and error.message.startswith("the module ")


def _defines(loader: Loader, known: set[str], task: Task) -> bool:
    """Adds what the task defines. False: that may be anything."""
    for layer in (*task.keywords.vars, *task.keywords.params):
        known |= set(layer)
    if task.apply is not None:
        for layer in task.apply.vars:
            known |= set(layer)
    if task.register:
        known.add(task.register)
    if task.loop is not None:
        known |= {str(task.loop.var), *([task.loop.index_var] if task.loop.index_var else [])}
    args = task.args.value if isinstance(task.args, Lazy) else task.args
    if task.module in ("set_fact", "add_host", "include_vars", "include_tasks", "include_role"):
        if not isinstance(args, dict) or any(has_template(key) for key in args):
            return False
        if task.module in ("set_fact", "add_host"):
            known |= set(args)
        elif task.module == "include_vars":
            return _include_vars(loader, known, task, args)
        else:
            names = (args.get("file"), args.get("name"), args.get("role"), args.get("tasks_from"))
            return not any(isinstance(name, Template) for name in names)
    return True


def _include_vars(loader: Loader, known: set[str], task: Task, args: dict[str, Any]) -> bool:
    if args.get("name"):
        known.add(str(args["name"]))
        return not isinstance(args["name"], Template)
    bases = [Path(task.place.file).parent]
    if task.role is not None:
        bases += [Path(task.role.path, "vars"), Path(task.role.path)]
    bases += [loader.directory / "vars", loader.directory]
    return args.get("dir") is None and _read(loader, known, args.get("file"), bases)


def _read(loader: Loader, known: set[str], name: Any, bases: list[Path]) -> bool:
    """The names in a file of variables; of all that it may be, where its name is a template."""
    if isinstance(name, Template):
        pattern = re.sub(r"\{\{.*?\}\}", "*", name.text)
        if not pattern.strip("*./ ") or "{%" in pattern or "lookup" in name.text or pattern.startswith("*/"):
            return False
        paths = [path for base in bases for path in base.glob(pattern.lstrip("/")) if path.is_file()]
    else:
        paths = [base / str(name) for base in bases if (base / str(name)).is_file()][:1]
    found = False
    for path in paths:
        with loader.quietly():
            document = loader.files.read(path)
            root = None if document is None else document.root
            if document is None:
                return False
            if isinstance(root, MappingNode):
                known |= {str(entry.key) for entry in document.entries(root)}
                found = True
    return found


def names_of(inventory: Any, hosts: Iterable[str]) -> set[str]:
    """Every variable that any host or group of the inventory has."""
    found: set[str] = set()
    for host in hosts:
        found |= set(inventory.plain_vars(host))
    for group in inventory.groups.values():
        found |= set(group.vars)
    return found
