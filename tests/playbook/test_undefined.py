"""Variables that nothing defines, seen by ``--syntax-check`` where an inventory is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hostpool.cli.app import main
from tests.playbook.conftest import ROOT

HEAD = "- hosts: all\n  vars: {known_name: 1}\n  tasks:\n"


@pytest.fixture
def found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def look(tasks: str, head: str = HEAD, **files: str) -> list[dict[str, Any]]:
        for name, text in {"site.yml": head + tasks, **files}.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "hosts.ini").write_text("h1 of_host=1\n[web:vars]\nof_group=1\n[web]\n")
        words = ["play", "-i", str(tmp_path / "hosts.ini"), str(tmp_path / "site.yml"), "-e", "of_extra=1"]
        main([*words, "--syntax-check", "-o", "json"])
        errors: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["errors"]
        return errors

    return look


@pytest.mark.parametrize(
    ("task", "line", "name"),
    [
        ("    - debug: msg=x\n    - command: echo {{ knwon_name }}\n", 5, "knwon_name"),
        ("    - command: ls\n      when: nowhere.x == 1 and other\n", 5, "nowhere"),
        ("    - command: echo {{ item }}\n      loop: '{{ nowhere }}'\n", 5, "nowhere"),
        ("    - set_fact: {a: '{{ nowhere | upper }}'}\n", 4, "nowhere"),
        ("    - block:\n        - copy: {content: 'a {{ nowhere }}', dest: /x}\n", 5, "nowhere"),
    ],
)
def test_what_is_defined_nowhere(found: Any, task: str, line: int, name: str) -> None:
    (error,) = found(task)
    assert (error["line"], error["what"]) == (line, f"the variable {name!r} is defined nowhere")


DEFINED = """
    - command: echo {{ known_name }} {{ of_host }} {{ of_group }} {{ of_extra }} {{ ansible_hostname }}
    - command: echo {{ inventory_hostname }} {{ groups.all }} {{ playbook_dir }} {{ lookup('env', 'A') }}
      register: registered
    - set_fact: {fact: "{{ registered.stdout }}"}
    - command: echo {{ fact }} {{ own }} {{ in_file }} {{ in_role }} {{ in_family }}
      vars: {own: 1}
    - include_vars: vars/file.yml
    - include_vars: "{{ ansible_os_family }}.yml"
    - import_role: {name: r}
    - command: echo {{ registered_in_include }}
    - include_tasks: inc.yml
"""
FILES = {
    "vars__file.yml": "in_file: 1\n",
    "vars__Debian.yml": "in_family: 1\n",
    "inc.yml": "- command: ls\n  register: registered_in_include\n",
    "roles__r__defaults__main.yml": "in_role: 1\n",
    "roles__r__tasks__main.yml": "- command: echo {{ in_role }}\n",
}


def test_what_something_defines(found: Any) -> None:
    assert found(DEFINED, **FILES) == []


@pytest.mark.parametrize(
    "task",
    [
        "    - command: echo {{ nowhere | default('x') }} {{ nowhere }}\n",
        "    - command: ls\n      when: nowhere is defined and nowhere\n",
        "    - command: echo {{ nowhere }}\n      when: known_name\n",
        "    - command: echo {{ nowhere }}\n      ignore_errors: true\n",
        "    - command: echo {{ nowhere }}\n      loop: '{{ known_name }}'\n",
        "    - command: echo {{ known_name or nowhere }} {{ 1 if known_name else nowhere }}\n",
        "    - debug: {var: nowhere}\n    - debug: {msg: '{{ nowhere }}'}\n",
        "    - block:\n        - command: '{{ nowhere }}'\n      rescue:\n        - ping:\n",
        "    - set_fact: {'{{ known_name }}': 1}\n    - command: '{{ nowhere }}'\n",
        "    - include_tasks: '{{ known_name }}.yml'\n    - command: '{{ nowhere }}'\n",
        "    - include_vars: '{{ known_name }}.yml'\n    - command: '{{ nowhere }}'\n",
        "    - no_such_module: {}\n    - command: '{{ nowhere }}'\n",
        '    - command: "{% set nowhere = 1 %}{{ nowhere }}"\n',
        '    - command: "{% for nowhere in known_name %}{{ nowhere }}{% endfor %}"\n',
        "    - command: ls\n      when: \"'nowhere' in vars\"\n    - command: '{{ nowhere }}'\n",
    ],
)
def test_what_may_be_well(found: Any, task: str) -> None:
    assert found(task) == []


def test_the_playbooks_here_read_nothing_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        main(["play", "-i", "h1,", str(path), "--syntax-check", "-o", "json"])
        assert json.loads(capsys.readouterr().out)["errors"] == [], path.name
