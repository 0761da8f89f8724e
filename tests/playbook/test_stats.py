"""set_stats: gathered over hosts, told at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostpool.errors import PlaybookError
from hostpool.events import RunFinished, from_json, to_json
from hostpool.results import counts_of
from hostpool.views.plain import stats_text
from tests.playbook.support import play

TASKS = """- hosts: all
  gather_facts: false
  tasks:
    - set_stats: {data: {hosts: 1, names: ["{{ inventory_hostname }}"], map: {"a": 1}, last: old}}
    - set_stats: {data: {own: "{{ inventory_hostname }}"}, per_host: true}
    - set_stats: {data: {last: "{{ inventory_hostname }}", hosts: text}, aggregate: true}
      when: inventory_hostname == 'h2'
    - set_stats: {data: {only: "{{ inventory_hostname }}"}, aggregate: false}
"""


def test_gathered_over_hosts(tmp_path: Path) -> None:
    stats = play(tmp_path, TASKS).machine.stats
    assert stats["_run"] == {
        "hosts": 3, "names": ["h1", "h2", "h3"], "map": {"a": 1}, "last": "oldoldoldh2", "only": "h3",
    }  # fmt: skip
    assert {host: stats[host] for host in ("h1", "h2", "h3")} == {
        host: {"own": host} for host in ("h1", "h2", "h3")
    }


def test_a_name_that_is_none(tmp_path: Path) -> None:
    done = play(
        tmp_path, '- hosts: all\n  gather_facts: false\n  tasks:\n    - set_stats: {data: {"a b": 1}}\n'
    )
    assert done.recap("h1") == {"failed": 1}


def test_data_is_needed(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="data"):
        play(tmp_path, "- hosts: all\n  tasks:\n    - set_stats: {per_host: true}\n")


def test_told_at_the_end() -> None:
    end = RunFinished(
        ts=1.0,
        run="r",
        counts=counts_of([]),
        duration=1.0,
        exit_code=0,
        stats={"_run": {"a": 1}, "h": {"b": "x\n"}},
    )
    assert stats_text(dict(end.stats or {})) == 'CUSTOM STATS\nh: {"b":"x\\n"}\nRUN: {"a":1}\n'
    assert json.loads(to_json(end))["stats"] == {"_run": {"a": 1}, "h": {"b": "x\n"}}
    assert from_json(to_json(end)) == end
    usual = RunFinished(ts=1.0, run="r", counts=counts_of([]), duration=1.0, exit_code=0)
    assert "stats" not in json.loads(to_json(usual))
