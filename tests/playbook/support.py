"""Playbooks run by the machine alone: hosts are a function from a call to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostpool.errors import ErrorInfo
from hostpool.inventory import load
from hostpool.playbook.load import Loader
from hostpool.playbook.machine import Machine
from hostpool.playbook.outs import Job, Options, Out, Said, TaskEnded
from hostpool.playbook.world import World
from hostpool.results import HostResult
from hostpool.secrets import Secret
from hostpool.tasks.modules.job import Call, Connect, ModuleTask
from hostpool.tasks.modules.registry import specs

Host = Callable[[str, Call], Mapping[str, Any]]


def well(host: str, call: Call) -> Mapping[str, Any]:
    """A host on which everything goes well; commands print their words."""
    if call.module == "setup":
        return {
            "changed": False,
            "ansible_facts": {"ansible_distribution": "Debian", "ansible_hostname": host},
        }
    if call.module in ("command", "shell", "raw"):
        words = str(call.args.get("_raw", ""))
        if words.startswith("fail"):
            return {"changed": True, "failed": True, "rc": 1, "msg": "non-zero return code", "cmd": words}
        return {"changed": True, "rc": 0, "stdout": words, "stderr": "", "cmd": words}
    return {"changed": False}


@dataclass
class Played:
    machine: Machine
    events: list[TaskEnded] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    jobs: int = 0
    jobs_given: list[ModuleTask] = field(default_factory=list)

    def recap(self, host: str) -> dict[str, int]:
        return {name: count for name, count in self.machine.recap.of(host).items() if count}

    def messages(self, host: str) -> list[Any]:
        """What ``debug`` said for the host."""
        return [e.result.get("msg") for e in self.events if e.host == host and "msg" in e.result]

    def ran(self, host: str) -> list[str]:
        return [
            str(args.get("_raw"))
            for where, module, args in self.calls
            if where == host and module == "command"
        ]


def play(
    tmp_path: Path,
    text: str,
    *,
    hosts: str = "h1,h2,h3",
    host: Host = well,
    unreachable: Sequence[str] = (),
    inventory: str | None = None,
    passwords: Sequence[Secret] = (),
    **options: Any,
) -> Played:
    """Loads the playbook (raises what is wrong with it) and runs it to the end."""
    path = tmp_path / "site.yml"
    path.write_text(text)
    loader = Loader(specs(), extra=options.get("extra"), passwords=passwords)
    book = loader.load([path])
    if inventory is None:
        base = load([hosts + ","])
    else:
        (tmp_path / "hosts.ini").write_text(inventory)
        base = load([str(tmp_path / "hosts.ini")])
    machine = Machine(book, loader, World(base, str(tmp_path), loader.files.reveal), Options(**options))
    played = Played(machine)
    machine.start()
    while not machine.done:
        waiting = []
        for out in machine.take():
            if isinstance(out, Job):
                waiting.append(out)
            else:
                _note(played, out)
        assert waiting or machine.done, "nothing is under way, and it is not done"
        for job in waiting:
            played.jobs += 1
            machine.result(job.number, _reply(played, job, host, unreachable))
    for out in machine.take():
        _note(played, out)
    return played


def _note(played: Played, out: Out) -> None:
    if isinstance(out, TaskEnded):
        played.events.append(out)
    elif isinstance(out, Said):
        played.said.append(out.message)


def _reply(played: Played, job: Job, host: Host, unreachable: Sequence[str]) -> HostResult:
    name, task = job.submit.name, job.submit.task
    if name in unreachable:
        error = ErrorInfo("refused", "connection refused")
        return HostResult(ts=0.0, host=name, status="unreachable", error=error)
    if isinstance(task, Connect):
        return HostResult(ts=0.0, host=name, status="ok", result={"results": [{"changed": False}]})
    assert isinstance(task, ModuleTask)
    played.jobs_given.append(task)
    results = []
    for call in task.calls:
        played.calls.append((name, call.module, call.args))
        results.append(dict(host(name, call)))
    return HostResult(ts=0.0, host=name, status="ok", result={"results": results})
