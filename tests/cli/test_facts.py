"""``hostpool facts``: what hosts say about themselves, folded for people, whole for programs."""

from __future__ import annotations

import json
import platform
from pathlib import Path

from hostpool.tasks import Facts
from hostpool.tasks.base import Effect, Run, RunReply
from tests.cli.conftest import Hostpool
from tests.farm import Sshd


def test_equal_facts_are_shown_once(sshd: Sshd, workdir: Path, hostpool: Hostpool) -> None:
    inventory = str(sshd.inventory(3, workdir / "hosts.ini"))
    ended = hostpool("facts", "-i", inventory, "all", "kernel", "ansible_arch*", "-C")
    assert ended.code == 0, ended.err
    assert ended.out == (
        "h[001-003] (3)\n"
        f"  ansible_architecture: {platform.machine()}\n"
        f"  ansible_kernel: {platform.release()}\n"
    )
    assert "3 hosts: 3 ok" in ended.err
    one = hostpool("facts", "-i", inventory, "h001", "system")
    assert one.out == "h001: ansible_system: Linux\n"
    assert hostpool("facts", "-i", inventory, "h001", "no_such*").out == "h001: no such fact\n"


def test_programs_get_all_of_them(sshd: Sshd, workdir: Path, hostpool: Hostpool) -> None:
    inventory = str(sshd.inventory(2, workdir / "hosts.ini"))
    ended = hostpool("facts", "-i", inventory, "all", "-o", "json")
    assert ended.code == 0, ended.err
    for host in json.loads(ended.out)["hosts"].values():
        facts = host["result"]["ansible_facts"]
        assert facts["ansible_kernel"] == platform.release()
        assert {"ansible_distribution", "ansible_memtotal_mb", "ansible_mounts"} <= set(facts)
    assert json.loads(hostpool("show", "-o", "json").out)["hosts"]["h001"]["result"]["ansible_facts"]


def test_a_host_that_says_nothing_of_the_kind_failed() -> None:
    steps = Facts().steps()
    request = next(steps)
    assert isinstance(request, Run) and request.effect is Effect.QUERY
    try:
        steps.send(RunReply(exit_code=0, stdout=b"an appliance\n"))
    except StopIteration as end:
        assert (end.value.status, end.value.error.kind) == ("failed", "no_facts")
