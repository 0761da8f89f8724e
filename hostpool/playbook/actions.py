"""Modules that need no host: what they answer, and what they do to the run's variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hostpool.playbook.calls import BadTask, arguments
from hostpool.playbook.files import Files, variables_of
from hostpool.playbook.lookuppaths import SEARCH_PATH, find
from hostpool.playbook.model import Task
from hostpool.playbook.results import Result
from hostpool.tasks.modules.parent import PARENT
from hostpool.tasks.modules.spec import BadArgument, bind
from hostpool.templating import has_template
from hostpool.templating.scope import Scope
from hostpool.templating.template import RenderError, Template, resolve, truth


class Stats(msgspec.Struct, frozen=True):
    """Of a host, or of the whole run; added to what is there, or in its place."""

    data: dict[str, Any]
    per_host: bool
    aggregate: bool


class Effects(msgspec.Struct):
    """What a task does beside its result: facts set, variables included, hosts added."""

    facts: dict[str, Any] = {}
    cached: dict[str, Any] = {}
    included: dict[str, Any] = {}
    sources: tuple[str, list[str]] | None = None
    """Of ``included``: the variable they went into, if any, and the files."""
    hosts: list[tuple[str, list[str], dict[str, Any]]] = []
    groups: list[tuple[str, list[str]]] = []
    stats: Stats | None = None


class Surroundings(msgspec.Struct):
    files: Files
    verbosity: int = 0


def act(task: Task, scope: Scope, around: Surroundings) -> tuple[Result, Effects]:
    """Raises RenderError, BadTask."""
    effects = Effects()
    try:
        if task.module == "debug":
            return _debug(task, scope, around), effects
        args = bind(PARENT[task.module], arguments(task, scope))
        return _ACTIONS[task.module](task, args, scope, around, effects), effects
    except BadArgument as error:
        raise BadTask(str(error)) from error


def _debug(task: Task, scope: Scope, around: Surroundings) -> Result:
    raw = getattr(task.args, "value", task.args)
    verbosity = int(resolve(raw.get("verbosity", 0), scope))
    if verbosity > around.verbosity:
        return {"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."}
    if "var" not in raw:
        return {"changed": False, "msg": resolve(raw.get("msg", "Hello world!"), scope)}
    name = resolve(raw["var"], scope)
    if not isinstance(name, str):
        return {"changed": False, str(name): name}
    try:
        value = Template(name, task.place, expression=True).render(scope)
    except RenderError as error:
        if not error.undefined:
            raise
        value = "VARIABLE IS NOT DEFINED!"
    return {"changed": False, name: value, "_shown": {name: value}}


def _assert(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    raw = getattr(task.args, "value", task.args).get("that")
    items = getattr(raw, "value", raw)
    for each in items if isinstance(items, list) else [items]:
        if isinstance(each, bool):
            text, holds = str(each), each
        else:
            text = each.text.strip() if isinstance(each, Template) else str(each)
            if isinstance(each, Template) and text.startswith("{{") and text.endswith("}}"):
                text = text[2:-2].strip()
            condition = Template(text, task.place, expression=True)
            holds = truth(condition.render(scope), condition)
        if not holds:
            return {
                "failed": True, "changed": False, "assertion": text, "evaluated_to": False,
                "msg": args["fail_msg"] or "Assertion failed",
            }  # fmt: skip
    return {"changed": False, "msg": args["success_msg"] or "All assertions passed"}


def _fail(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    return {"failed": True, "changed": False, "msg": args["msg"]}


def _set_fact(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    facts = {
        Template(name, task.place).render(scope) if has_template(name) else name: value
        for name, value in args.items()
        if name != "cacheable"
    }
    for name in facts:
        if not str(name).isidentifier():
            raise BadTask(f"The variable name '{name}' is not valid")
    effects.facts.update(facts)
    if args["cacheable"]:
        effects.cached.update(facts)
    return {"changed": False, "ansible_facts": facts}


def _include_vars(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    if args["dir"] is not None:
        names = _directory(args, scope)
    else:
        name = args["file"]
        if name is None:
            raise BadTask("include_vars needs a file or a dir")
        names = [_find_vars(name, scope)]
    found = included_variables(names, args["name"] or "", around.files)
    if around.files.collector.found:
        raise BadTask("; ".join(f"{e.where()}: {e.message}" for e in around.files.collector.found))
    effects.included.update(found)
    effects.sources = (args["name"] or "", names)
    shown = {key: None if hasattr(value, "render") else value for key, value in found.items()}
    return {"changed": False, "ansible_included_var_files": names, "ansible_facts": _plain_only(shown)}


def included_variables(names: Sequence[str], into: str, files: Files) -> dict[str, Any]:
    """The variables of these files, or the one ``into`` which they all go. Raises BadTask."""
    found: dict[str, Any] = {}
    for each in names:
        document = files.read(each)
        if document is None:
            raise BadTask(f"{each} cannot be read")
        found.update(variables_of(document))
    return {into: _nested(found)} if into else found


def _nested(found: dict[str, Any]) -> Any:
    from hostpool.templating.template import Lazy

    inner = {key: value.value if isinstance(value, Lazy) else value for key, value in found.items()}
    return (
        Lazy(inner) if any(a is not found[b] or isinstance(a, Template) for b, a in inner.items()) else inner
    )


def _plain_only(values: Mapping[str, Any]) -> dict[str, Any]:
    from hostpool.templating.template import Lazy

    return {key: value for key, value in values.items() if not isinstance(value, Lazy | Template)}


def _find_vars(name: str, scope: Scope) -> str:
    try:
        return find(name, scope, "vars")
    except FileNotFoundError as error:
        raise BadTask(f"Could not find or access '{name}': {error}") from error


def _directory(args: Mapping[str, Any], scope: Scope) -> list[str]:
    import re

    path = Path(args["dir"])
    if not path.is_absolute():
        bases = [Path(base, below) for base in scope[SEARCH_PATH] for below in ("vars", "")]
        path = next((base / path for base in bases if (base / path).is_dir()), path)
    if not path.is_dir():
        raise BadTask(f"{args['dir']} directory does not exist")
    endings = tuple(f".{each.lstrip('.')}" for each in args["extensions"] or ("yaml", "yml", "json"))
    ignored = [re.compile(each) for each in args["ignore_files"] or ()]
    wanted = re.compile(args["files_matching"] or "")
    depth = args["depth"]
    found = [
        each
        for each in sorted(path.rglob("*"))
        if each.is_file()
        and (not depth or len(each.relative_to(path).parts) <= depth)
        and not any(pattern.search(each.name) for pattern in ignored)
        and wanted.search(each.name)
    ]
    strange = [each for each in found if each.suffix not in endings]
    if strange and not args["ignore_unknown_extensions"]:
        raise BadTask(f"{strange[0]} does not have a valid extension: {', '.join(endings)}")
    return [str(each) for each in found if each.suffix in endings]


def _add_host(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    name = args["name"]
    if not name:
        raise BadTask("name, host or hostname needs to be provided")
    groups = [group for group in args["groups"] or [] if group]
    variables = {key: value for key, value in args.items() if key not in ("name", "groups")}
    effects.hosts.append((name, groups, variables))
    return {"changed": True, "add_host": {"host_name": name, "groups": groups, "host_vars": variables}}


def _group_by(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    group = str(args["key"]).replace(" ", "-")
    parents = [str(each).replace(" ", "-") for each in args["parents"] or ["all"]]
    effects.groups.append((group, parents))
    return {"changed": True, "add_group": group, "parent_groups": parents}


def _set_stats(
    task: Task, args: Mapping[str, Any], scope: Scope, around: Surroundings, effects: Effects
) -> Result:
    data = {str(name): value for name, value in args["data"].items()}
    for name in data:
        if not name.isidentifier():
            raise BadTask(f"The variable name '{name}' is not valid")
    effects.stats = Stats(data, args["per_host"], args["aggregate"])
    stats = {"data": data, "per_host": args["per_host"], "aggregate": args["aggregate"]}
    return {"changed": False, "ansible_stats": stats}


_Action = Callable[[Task, Mapping[str, Any], Scope, Surroundings, Effects], Result]
_ACTIONS: dict[str, _Action] = {
    "assert": _assert, "fail": _fail, "set_fact": _set_fact, "include_vars": _include_vars,
    "add_host": _add_host, "group_by": _group_by, "set_stats": _set_stats,
}  # fmt: skip
