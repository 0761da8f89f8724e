"""Every module that can run here, by ansible-playbook and by us, each on a throw-away machine of its own.

A playbook of peer/ is one subject. What must be equal: what became of each task, the keys of its result
(ours may have more), their values where those are determined, and all that changed on the machine. Then
by us alone, on a fresh machine: check mode foretells what is changed and changes nothing itself, and a
second run finds nothing to do.

The first play's ``vars`` may say more of a playbook::

    peer_differs: {task: [key, ...]}   keys of a result whose values (or presence) may differ (why: a comment)
    peer_ignored: [path, ...]          paths whose state is not compared
    peer_again: [task, ...]            tasks that are changed a second time too
    peer_unforeseen: [task, ...]       tasks that check mode need not foretell: an earlier one did not happen
    peer_booted: true                  systemd runs on the machine
    peer_web: true                     a web server runs, ``web`` is its URL
    peer_here: true                    ``here`` is a directory with archives, ``own`` one of each tool's own
    peer_before: FILE                  a script beside it that makes a machine ready
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.farm import Booted, Machine, Web
from tests.farm.machine import State
from tests.modules.peer.packed import pack
from tests.modules.peer.runs import Done, by_peer, by_us, inventory

PLAYBOOKS = sorted((Path(__file__).parent / "peer").glob("*.yml"))
INTERNAL = ("_ansible_", "ansible_facts", "invocation", "diff", "warnings", "deprecations", "exception")
VOLATILE = frozenset(
    {"start", "end", "delta", "mtime", "atime", "ctime", "inode", "dev", "elapsed", "msg", "backup_file"}
    | {"backup", "size", "module_stderr", "module_stdout", "failed_when_result", "failed", "skip_reason"}
    | {"cache_update_time"}
)
"""Words for people, times, and what a file system decides."""

pytestmark = [pytest.mark.needs_root, pytest.mark.timeout(300)]


def said(playbook: Path, name: str, otherwise: Any) -> Any:
    return yaml.safe_load(playbook.read_text())[0].get("vars", {}).get(name, otherwise)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "home").mkdir()
    yield tmp_path


@pytest.fixture
def web(playbook: Path) -> Iterator[list[str]]:
    """What tells a playbook where the web server is, if it wants one."""
    if not said(playbook, "peer_web", False):
        yield []
        return
    with Web() as server:
        yield ["-e", f"web={server.url}"]


def here(playbook: Path, place: Path) -> tuple[list[str], list[str]]:
    """What tells a playbook by the peer and by us where files of the control node are."""
    if not said(playbook, "peer_here", False):
        return [], []
    archives = pack(place / "here")
    theirs, ours = (["-e", f"here={archives} own={place}/{whose}"] for whose in ("theirs", "ours"))
    return theirs, ours


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_as_the_peer_has_it(playbook: Path, place: Path, web: list[str]) -> None:
    differs = said(playbook, "peer_differs", {})
    ignored = said(playbook, "peer_ignored", [])
    home = place / "home"
    for_them, for_us = here(playbook, place)
    kind = Booted if said(playbook, "peer_booted", False) else Machine
    with kind() as machine:
        prepared(machine, playbook)
        theirs = by_peer(inventory(machine, place), playbook, home, *web, *for_them)
        their_state = machine.changes(ignored)
    with kind() as machine:
        before = prepared(machine, playbook)
        hosts = inventory(machine, place)
        foretold = by_us(hosts, playbook, home, "-C", *web, *for_us)
        assert machine.changes() == before, "check mode changed something"
        ours = by_us(hosts, playbook, home, *web, *for_us)
        our_state = machine.changes(ignored)
        again = by_us(hosts, playbook, home, *web, *for_us)
    assert _status(ours) == _status(theirs)
    last = yaml.safe_load(playbook.read_text())[-1]["tasks"][-1]["name"]
    assert last in [done.task for done in theirs], f"it ended early: {theirs[-1]}"
    for mine, their in zip(ours, theirs, strict=True):
        _same_result(mine.task, mine.result, their.result, frozenset(differs.get(mine.task, ())))
    assert our_state == their_state
    _check_foretold(playbook, foretold, ours)
    may_change = set(said(playbook, "peer_again", []))
    assert [done.task for done in again if done.status == "changed" and done.task not in may_change] == []


def prepared(machine: Machine, playbook: Path) -> State:
    """What is on the machine before the playbook runs."""
    script = said(playbook, "peer_before", None)
    if script is not None:
        machine.sh((playbook.parent / script).read_text())
    return machine.changes()


def _status(done: list[Done]) -> list[tuple[str, str]]:
    return [(each.task, each.status) for each in done]


def _check_foretold(playbook: Path, foretold: list[Done], ours: list[Done]) -> None:
    unforeseen = {*said(playbook, "peer_unforeseen", [])}
    for before, real in zip(foretold, ours, strict=False):
        if real.status == "changed" and real.task not in unforeseen:
            skipped = before.status == "skipped" and before.result.get("would_run")
            assert before.status == "changed" or skipped, f"check mode did not foretell: {real.task}"


def _same_result(task: str, ours: Any, theirs: Any, differs: frozenset[str]) -> None:
    """Every key of theirs is in ours, with an equal value where it is determined."""
    if not isinstance(theirs, dict):
        return
    for key, value in theirs.items():
        if key.startswith(INTERNAL) or key in differs:
            continue
        if key in VOLATILE:
            continue
        assert key in ours, f"{task}: no {key!r} in {sorted(ours)}; theirs is {value!r}"
        mine = ours[key]
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            assert len(mine) == len(value), f"{task}: {key} is {mine!r}, theirs is {value!r}"
            for one, other in zip(mine, value, strict=True):
                _same_result(task, one, other, differs)
        elif isinstance(value, dict):
            _same_result(f"{task}: {key}", mine, value, differs)
        else:
            assert mine == value, f"{task}: {key} is {mine!r}, theirs is {value!r}"
