"""What ``hostpool play`` prints without running: checks, tasks, tags and hosts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hostpool.cli.report import print_error
from hostpool.errors import Problems
from hostpool.playbook.model import Block, Node, Play, Playbook
from hostpool.playbook.problems import NOT_SUPPORTED
from hostpool.playbook.tags import all_tags
from hostpool.views.neutralise import one_line

if TYPE_CHECKING:
    from hostpool.cli.playoptions import PlayOptions
    from hostpool.playbook.load import Loader
    from hostpool.playbook.machine import Machine


def syntax(options: PlayOptions, loader: Loader, book: Playbook) -> int:
    """``--syntax-check``: 0 when all is well, else 2. With ``-o json`` one document on stdout:
    {files, plays, tasks, supported, unsupported: [{file, line, what}], errors: [same]}."""
    found = loader.collector.found
    refused = [error for error in found if error.kind == NOT_SUPPORTED]
    if options.output in ("json", "jsonl"):
        document = {
            "files": book.files,
            "plays": len(book.plays),
            "tasks": book.tasks,
            "supported": book.tasks - len({(error.file, error.line) for error in refused}),
            "unsupported": [
                {"file": e.file, "line": e.line, "what": e.message.removesuffix(": not supported")}
                for e in refused
            ],
            "errors": [
                {"file": e.file, "line": e.line, "what": e.message} for e in found if e not in refused
            ],
        }
        sys.stdout.write(json.dumps(document) + "\n")
    elif found:
        print_error(Problems.of(list(found)))
    else:
        plays = f"{len(book.plays)} play{'s' if len(book.plays) != 1 else ''}"
        tasks = f"{book.tasks} task{'s' if book.tasks != 1 else ''}"
        sys.stdout.write(f"{plays}, {tasks} in {len(book.files)} files: all of it is supported\n")
    return 2 if found else 0


def listing(options: PlayOptions, machine: Machine, book: Playbook) -> None:
    """``--list-hosts``, ``--list-tasks``, ``--list-tags``, in any combination."""
    if options.output in ("json", "jsonl"):
        sys.stdout.write(json.dumps([_as_data(options, machine, play) for play in book.plays]) + "\n")
        return
    for number, play in enumerate(book.plays, 1):
        data = _as_data(options, machine, play)
        sys.stdout.write(f"play #{number} ({one_line(data['hosts_pattern'])}): {one_line(data['play'])}\n")
        for host in data.get("hosts", ()):
            sys.stdout.write(f"  {one_line(host)}\n")
        for task in data.get("tasks", ()):
            sys.stdout.write(f"  {one_line(task['task'])}\tTAGS: [{', '.join(task['tags'])}]\n")
        if "tags" in data:
            sys.stdout.write(f"  TASK TAGS: [{', '.join(data['tags'])}]\n")


def _as_data(options: PlayOptions, machine: Machine, play: Play) -> dict[str, Any]:
    hosts = machine.hosts_of(play)
    pattern = getattr(play.hosts, "text", play.hosts)
    data: dict[str, Any] = {
        "play": machine.name_of(play),
        "hosts_pattern": pattern if isinstance(pattern, str) else ",".join(map(str, pattern)),
    }
    if options.list_hosts:
        data["hosts"] = hosts
    if options.list_tasks:
        data["tasks"] = [task for section in play.sections for task in _tasks(section)]
    if options.list_tags:
        data["tags"] = sorted({tag for section in play.sections for tag in all_tags(section)})
    return data


def _tasks(nodes: list[Node]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _tasks([*node.block, *node.rescue, *node.always])
        elif node.module != "meta":
            name = getattr(node.name, "text", node.name) or node.module
            shown = f"{node.role.name} : {name}" if node.role is not None else str(name)
            yield {"task": shown, "module": node.module, "tags": sorted(node.keywords.tags)}
