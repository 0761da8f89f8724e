"""Keywords and constructs around tasks, played without any host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hostpool.inventory import load
from hostpool.playbook.load import Loader
from hostpool.playbook.machine import Machine
from hostpool.playbook.outs import Job, Options
from hostpool.playbook.tags import Choice
from hostpool.playbook.world import World
from hostpool.tasks.modules.job import Call
from hostpool.tasks.modules.registry import specs
from tests.playbook.support import Played, _reply, play, well
from tests.playbook.test_machine import HEAD, tasks


def test_module_defaults(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks(
            """
- file: {path: /a}
- ansible.builtin.file: {path: /b, mode: "0600"}
- block:
    - file: {path: /c}
  module_defaults: {ansible.builtin.file: {group: "{{ who }}"}}
""",
            "- hosts: h1\n  gather_facts: false\n  vars: {who: staff}\n"
            "  module_defaults: {file: {owner: root, mode: '0644'}}\n  tasks:\n",
        ),
    )
    assert [dict(args) for _, _, args in done.calls] == [
        {"path": "/a", "owner": "root", "mode": "0644"},
        {"path": "/b", "owner": "root", "mode": "0600"},
        {"path": "/c", "group": "staff"},
    ]


def test_arguments_that_are_one_template(tmp_path: Path) -> None:
    head = "- hosts: h1\n  gather_facts: false\n  vars: {how: {path: /a, state: touch}}\n  tasks:\n"
    text = tasks('- file: "{{ how }}"\n- set_fact: "{{ how }}"\n- debug: msg={{ state }}', head)
    done = play(tmp_path, text)
    assert done.calls[0][2] == {"path": "/a", "state": "touch"}
    assert done.messages("h1") == ["touch"]


def test_a_directory_of_variables(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some/a.yml").write_text("a: 1\n")
    (tmp_path / "some/notes.txt").write_text("no variables\n")
    text = "- include_vars: {dir: some, ignore_unknown_extensions: true}\n- debug: msg={{ a }}"
    assert play(tmp_path, tasks(text)).messages("h1")[-1] == 1
    done = play(tmp_path, tasks("- include_vars: {dir: some}"))
    assert "notes.txt does not have a valid extension" in done.messages("h1")[0]


def test_a_loop_pauses_before_each_item_but_the_first(tmp_path: Path) -> None:
    text = "- command: '{{ item }}'\n  loop: [1, 2]\n  until: true\n  loop_control: {pause: 7}"
    assert [task.pause for task in play(tmp_path, tasks(text), hosts="h1").jobs_given] == [0, 7]


def test_the_name_of_a_fact_may_be_a_template(tmp_path: Path) -> None:
    text = tasks(
        "- set_fact: {'{{ item }}_x': '{{ item }}!'}\n  loop: [a, b]\n- debug: msg={{ a_x }}{{ b_x }}"
    )
    assert play(tmp_path, text).messages("h1")[-1] == "a!b!"


def test_user_is_a_keyword_of_plays_and_a_module(tmp_path: Path) -> None:
    text = tasks(
        "- user: {name: someone}\n- ping:", "- hosts: h1\n  user: login\n  gather_facts: false\n  tasks:\n"
    )
    done = play(tmp_path, text)
    assert [(host, module) for host, module, _ in done.calls] == [
        ("h1 (user login)", "user"),
        ("h1 (user login)", "ping"),
    ]


def test_a_template_in_tags(tmp_path: Path) -> None:
    head = "- hosts: h1\n  gather_facts: false\n  vars: {kind: web}\n  tasks:\n"
    text = tasks("- command: a\n  tags: '{{ kind }}'\n- command: b", head)
    assert play(tmp_path, text, choice=Choice(frozenset({"web"}))).ran("h1") == ["a"]


def test_a_loop_that_breaks(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks(
            "- command: echo {{ item }}\n  register: out\n  loop: [1, 2, 3]\n"
            "  loop_control: {break_when: out.stdout == 'echo 2'}\n- debug: msg={{ out.results | length }}"
        ),
    )
    assert done.ran("h1") == ["echo 1", "echo 2"]
    assert done.messages("h1")[-1] == 2


def test_the_free_strategy_lets_each_host_go_on(tmp_path: Path) -> None:
    head = HEAD.replace("hosts: all", "hosts: all\n  strategy: free")
    path = tmp_path / "site.yml"
    path.write_text(tasks("- command: a\n- command: b\n- command: c\n  throttle: 1\n  run_once: true", head))
    loader = Loader(specs())
    book = loader.load([path])
    world = World(load(["h1,h2"]), str(tmp_path), loader.files.reveal)
    machine = Machine(book, loader, world, Options())
    played = Played(machine)
    machine.start()

    def ends(job: Job) -> list[Job]:
        machine.result(job.number, _reply(played, job, well, ()))
        return [out for out in machine.take() if isinstance(out, Job)]

    first, slow = (out for out in machine.take() if isinstance(out, Job))
    (first,) = ends(first)
    (first,) = ends(first)
    assert played.ran("h1") == ["a", "b"], "h2 is still at its first task"
    (slow,) = ends(slow)
    assert ends(slow) == [], "throttle: h2 waits for h1"
    (slow,) = ends(first)
    assert ends(slow) == []
    assert machine.done
    assert played.ran("h1") == played.ran("h2") == ["a", "b", "c"], "run_once does not hold there"


def test_what_an_include_applies(tmp_path: Path) -> None:
    (tmp_path / "inc.yml").write_text("- command: a\n- command: b\n  become: false\n")
    seen: list[Call] = []

    def host(name: str, call: Call) -> Mapping[str, Any]:
        seen.append(call)
        return {"changed": False}

    text = "- include_tasks: {file: inc.yml, apply: {become: true, environment: {A: '1'}, when: yes}}"
    play(tmp_path, tasks(text), hosts="h1", host=host)
    assert [call.become is not None for call in seen] == [True, False]
    assert all(call.environment == (("A", "1"),) for call in seen)


def test_handlers_of_a_role_without_tasks(tmp_path: Path) -> None:
    (tmp_path / "roles/common/handlers").mkdir(parents=True)
    (tmp_path / "roles/common/tasks").mkdir()
    (tmp_path / "roles/common/handlers/main.yml").write_text(
        "- name: again\n  include_tasks: again.yml\n- name: other\n  command: other\n"
    )
    (tmp_path / "roles/common/tasks/again.yml").write_text("- command: again\n")
    text = "- import_role: {name: common}\n- command: x\n  notify: again\n  changed_when: true"
    assert play(tmp_path, tasks(text)).ran("h1") == ["x", "again"]
    (tmp_path / "inc.yml").write_text(
        "- import_role: {name: common}\n- command: x\n  notify: [again, other]\n"
    )
    assert play(tmp_path, tasks("- include_tasks: inc.yml")).ran("h1") == ["x", "again", "other"]


def test_roles_of_collections(tmp_path: Path) -> None:
    base = tmp_path / "collections/ansible_collections/acme/site/roles"
    for name, text in (("web", "- import_role: {name: lib}\n- command: web"), ("lib", "- command: lib")):
        (base / name / "tasks").mkdir(parents=True)
        (base / name / "tasks/main.yml").write_text(text + "\n")
    for head in ("roles: [acme.site.web]", "collections: [acme.site]\n  roles: [web]"):
        done = play(tmp_path, f"- hosts: all\n  gather_facts: false\n  {head}\n")
        assert done.ran("h1") == ["lib", "web"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("acme.site.web", "ansible-galaxy collection install -p collections acme.site"),
        ("acme.web", "ansible-galaxy role install -p roles acme.web"),
        ("web", "beside the playbook"),
    ],
)
def test_a_role_that_is_not_there_is_told_once(tmp_path: Path, name: str, hint: str) -> None:
    path = tmp_path / "site.yml"
    path.write_text(f"- hosts: all\n  roles: [{name}]\n- hosts: all\n  roles: [{name}]\n")
    loader = Loader(specs())
    loader.look([path])
    (error,) = loader.collector.found
    assert f"no role '{name}'" in error.message
    assert hint in str(error.hint)


def test_a_handler_of_an_unknown_module_is_still_a_handler(tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text(tasks("- command: a\n  notify: h") + "  handlers:\n    - name: h\n      no_such_thing:\n")
    loader = Loader(specs())
    loader.look([path])
    assert [error.message for error in loader.collector.found] == [
        "the module 'no_such_thing': not supported"
    ]
