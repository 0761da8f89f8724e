"""What of a stat's result nobody can see is not asked for; anything less than certain, and all of it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.playbook.readings import reached, readings
from hostpool.tasks.base import Run
from hostpool.tasks.modules.base import Mode
from hostpool.tasks.modules.spec import bind
from hostpool.tasks.modules.stat import MODULES
from hostpool.templating.template import Template
from tests.playbook.conftest import Play
from tests.playbook.support import play as played

HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n    - stat: {path: /x}\n      register: found\n"
UNREAD = "    - command: x\n      when: found.stat.exists\n"


def asked(tmp_path: Path, text: str, **options: Any) -> tuple[bool, bool]:
    """Whether the module's own program is told to call file, and lsattr."""
    done = played(tmp_path, text, hosts="h1", **{"whole_results": False, **options})
    args = next(args for _, module, args in done.calls if module == "stat")
    module = MODULES["stat"]
    request = next(module.run(bind(module.spec, args), Mode()))
    assert isinstance(request, Run)
    return bool(request.args[3]), bool(request.args[4])


@pytest.mark.parametrize(
    "reader",
    ["found.stat.exists", "found.stat['size'] > 1", "found is changed", "found.changed", "found is defined"],
)
def test_neither_is_called_where_something_else_is_read(tmp_path: Path, reader: str) -> None:
    assert asked(tmp_path, HEAD + f'    - command: x\n      when: "{reader}"\n') == (False, False)


def test_each_is_called_for_itself(tmp_path: Path) -> None:
    assert asked(tmp_path, HEAD + "    - debug: msg={{ found.stat.mimetype }}\n") == (True, False)
    assert asked(tmp_path, HEAD + "    - debug: var=found.stat.version\n") == (False, True)
    given = HEAD.replace("path: /x", "path: /x, mime: true")
    assert asked(tmp_path, given + UNREAD) == (True, False)


@pytest.mark.parametrize(
    "task",
    ["debug: var=found", "debug: var=found.stat", "debug: msg={{ found }}",
     "debug: msg={{ found.stat | length }}",
     "debug: msg={{ found.stat[x] | default(1) }}", "debug: msg={{ found.get('stat') }}",
     "debug: msg={{ hostvars.h1.found.stat.size | default(1) }}", "debug: msg={{ lookup('vars', 'found') }}",
     "debug: msg={{ vars | length }}", "assert: {that: [found | length]}", "include_vars: nothing.yml",
     "include_tasks: '{{ nothing }}.yml'", "template: {src: whole.j2, dest: /x}",
     "template: {src: '{{ name }}.j2', dest: /x}", "add_host: name=x", "set_fact: {other: '{{ found }}'}",
     "debug: msg={{ found.results | default(1) }}{{ found.stat.charset }}{{ found.stat.attributes }}"],
)  # fmt: skip
def test_both_are_called_where_somebody_may_see_it(tmp_path: Path, task: str) -> None:
    (tmp_path / "whole.j2").write_text("{% for name in found.stat %}{{ name }}{% endfor %}\n")
    text = HEAD + UNREAD + f"    - {task}\n      ignore_errors: true\n"
    assert asked(tmp_path, text) == (True, True)


def test_both_are_called_for_what_is_shown_or_recorded(tmp_path: Path) -> None:
    assert asked(tmp_path, HEAD + UNREAD, whole_results=True) == (True, True)
    assert asked(tmp_path, HEAD) == (True, True)


def test_a_program_is_shown_all_of_it(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text((HEAD + UNREAD.replace("command: x", "command: uname")).replace("/x", str(path)))
    lines = play("-o", "jsonl", path).out.splitlines()
    found = [each for each in map(json.loads, lines) if "stat" in (each.get("result") or {})]
    assert len(found) == 2
    for each in found:
        assert {"mimetype", "charset", "attributes", "attr_flags", "version"} <= set(each["result"]["stat"])


def test_variables_read_too(tmp_path: Path) -> None:
    text = HEAD + UNREAD
    assert asked(tmp_path, text, extra={"kind": "{{ found.stat.mimetype }}"}) == (True, False)
    assert asked(tmp_path, text, inventory="h1 kind='{{ found.stat.version }}'\n") == (False, True)


def test_own_conditions_see_it_by_other_names(tmp_path: Path) -> None:
    text = HEAD + "      changed_when: stat.mimetype is defined\n" + UNREAD
    assert asked(tmp_path, text) == (True, False)


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=4), st.lists(st.booleans(), min_size=4, max_size=4)
)
def test_a_path_is_read_however_it_is_written(keys: list[str], dots: list[bool]) -> None:
    text = "name" + "".join(f".{k}" if dot else f"['{k}']" for k, dot in zip(keys, dots, strict=False))
    found = readings(Template(f"x ~ ({text}) | upper", expression=True).parse(), {"name": ()})
    assert found == {tuple(keys)}
    assert reached(tuple(keys), found)
    assert reached((*keys, "more"), found)
    assert not keys or not reached(("d",), found)
