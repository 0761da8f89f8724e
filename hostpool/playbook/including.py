"""``include_tasks`` and ``include_role``: what is loaded while a play runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hostpool.errors import PlaybookError
from hostpool.playbook.load import Loader
from hostpool.playbook.model import Node, Play, Role, Task
from hostpool.playbook.taskfile import Around

_APPLIED = ("become", "become_user", "become_method", "ignore_errors", "no_log", "check_mode")


@dataclass(frozen=True, slots=True)
class Included:
    """``role``: for include_role, whose handlers join the play's. ``problems``: why it cannot be loaded."""

    nodes: Sequence[Node] = ()
    role: Role | None = None
    problems: Sequence[PlaybookError] = field(default=())


def included(
    loader: Loader, play: Play, task: Task, args: Mapping[str, Any], item: Mapping[str, Any]
) -> Included:
    """What an include with these rendered arguments brings; ``item`` are the variables of its loop."""
    known = len(loader.collector.found)
    loader.directory = Path(play.directory)
    around = Around(
        _inner(task, args, item),
        role=task.role,
        directory=Path(task.place.file).parent,
        handlers=task.handler,
    )
    role: Role | None = None
    if task.module == "include_role":
        role = loader.role(args, task.place, around, static=False)
        nodes: Sequence[Node] = role.tasks if role is not None else ()
    else:
        nodes = loader.task_file(str(args.get("file")), task.place, around)
    return Included(nodes, role, loader.collector.found[known:])


def _inner(task: Task, args: Mapping[str, Any], item: Mapping[str, Any]) -> Any:
    """The keywords of what is included: the include's own ``when`` and tags are its own alone, its
    variables rank high."""
    words = task.keywords
    params = (item, *words.vars) if item else words.vars
    apply = args.get("apply")
    return replace(
        words,
        when=(),
        tags=frozenset(),
        run_once=None,
        notify=(),
        delegate_to=None,
        params=(*params, *words.params),
        **_applied(apply if isinstance(apply, Mapping) else {}),
    )


def _applied(apply: Mapping[str, Any]) -> dict[str, Any]:
    """``apply:``: keywords for what the include brings."""
    known: dict[str, Any] = {name: apply[name] for name in _APPLIED if name in apply}
    if "tags" in apply:
        tags = apply["tags"]
        known["tags"] = frozenset(tags if isinstance(tags, list) else str(tags).split(","))
    return known
