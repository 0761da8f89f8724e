"""``include_tasks`` and ``include_role``: what is loaded while a play runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from hostpool.errors import PlaybookError
from hostpool.playbook.load import Loader
from hostpool.playbook.model import Keywords, Node, Play, Role, Task
from hostpool.playbook.taskfile import Around


class Included(msgspec.Struct, frozen=True):
    """``roles``: those it brings, whose handlers join the play's. ``problems``: why it cannot be loaded."""

    nodes: Sequence[Node] = ()
    roles: Sequence[Role] = ()
    problems: Sequence[PlaybookError] = ()


def included(
    loader: Loader, play: Play, task: Task, args: Mapping[str, Any], item: Mapping[str, Any]
) -> Included:
    """What an include with these rendered arguments brings; ``item`` are the variables of its loop."""
    known = len(loader.collector.found)
    loader.imported = []
    loader.directory = Path(play.directory)
    around = Around(
        _inner(task, item),
        role=task.role,
        directory=Path(task.place.file).parent,
        handlers=task.handler,
    )
    if task.module == "include_role":
        role = loader.role(args, task.place, around, static=False)
        nodes: Sequence[Node] = role.tasks if role is not None else ()
    else:
        role = None
        nodes = loader.task_file(str(args.get("file")), task.place, around)
    roles = [*loader.imported, *([role] if role is not None else [])]
    return Included(nodes, roles, loader.collector.found[known:])


def _inner(task: Task, item: Mapping[str, Any]) -> Keywords:
    """The keywords of what is included: the include's own ``when`` and tags are its own alone, its
    variables rank high."""
    words = task.keywords
    params = (item, *words.vars) if item else words.vars
    around = replace(
        words,
        when=(),
        tags=frozenset(),
        run_once=None,
        notify=(),
        delegate_to=None,
        params=(*params, *words.params),
    )
    return around if task.apply is None else task.apply.below(around)
