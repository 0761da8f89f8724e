"""How a host is reached: whatever sets a variable of its connection reaches the pool, nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.inventory import load
from hostpool.playbook.reaching import _connection_variables
from hostpool.playbook.variables import Facts, Variables
from hostpool.playbook.world import CONNECTION, World
from hostpool.tasks.modules.job import Call
from hostpool.templating.scope import Scope
from hostpool.templating.template import prepared, resolve
from tests.playbook.support import Played, play, well

HEAD = "- hosts: all\n  gather_facts: false\n"
COMMAND = "    - command: x\n"
SET = "      vars: {ansible_port: 2222}\n"


def ports(done: Played) -> list[Any]:
    """The port of each command's host as a play gave it; None where that is left to the inventory."""
    world = done.machine.world
    return [
        world._routes.get(name, ("", {}))[1].get("ansible_port")
        for name, m, _ in done.calls
        if m == "command"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  tasks:\n" + COMMAND, [None]),
        ("  vars: {ansible_port: 2222}\n  tasks:\n" + COMMAND, [2222]),
        ("  vars: {p: 22, ansible_port: '{{ p }}22'}\n  tasks:\n" + COMMAND, ["2222"]),
        ("  vars_files: [more.yml]\n  tasks:\n" + COMMAND, [2222]),
        ("  port: 2222\n  tasks:\n" + COMMAND, [2222]),
        ("  port: 1\n  vars: {ansible_port: 2222}\n  tasks:\n" + COMMAND, [2222]),
        ("  roles: [with_vars]\n  tasks:\n" + COMMAND, [2222, 2222]),
        ("  roles: [with_defaults]\n  tasks:\n" + COMMAND, [2222, 2222]),
        ("  roles: [{role: bare, ansible_port: 2222}]\n  tasks:\n" + COMMAND, [2222, None]),
        ("  tasks:\n    - block:\n      - command: x\n" + SET + COMMAND, [2222, None]),
        ("  tasks:\n" + COMMAND + SET + COMMAND, [2222, None]),
        ("  tasks:\n    - include_tasks: one.yml\n" + SET + COMMAND, [2222, None]),
        ("  tasks:\n    - include_role: {name: bare}\n" + SET + COMMAND, [2222, None]),
        ("  tasks:\n" + COMMAND + "    - set_fact: {ansible_port: 2222}\n" + COMMAND, [None, 2222]),
        ("  tasks:\n" + COMMAND + "    - include_vars: more.yml\n" + COMMAND, [None, 2222]),
        ("  tasks:\n" + COMMAND + "    - setup:\n" + COMMAND, [None, 2222]),
        (
            "  tasks:\n" + COMMAND + "      loop: [1, 2]\n      loop_control: {loop_var: ansible_port}\n"
            + COMMAND,
            [1, 2, None],
        ),
        ("  tasks:\n    - stat: {path: x}\n      register: ansible_port\n" + COMMAND, [{"changed": False}]),
    ],
)  # fmt: skip
def test_whatever_sets_a_variable_of_the_connection(tmp_path: Path, text: str, expected: list[Any]) -> None:
    for name, part in (("with_vars", "vars"), ("with_defaults", "defaults"), ("bare", "")):
        role = tmp_path / "roles" / name
        for directory in filter(None, ("tasks", part)):
            (role / directory).mkdir(parents=True)
        (role / "tasks/main.yml").write_text("- command: x\n")
        if part:
            (role / part / "main.yml").write_text("ansible_port: 2222\n")
    (tmp_path / "more.yml").write_text("ansible_port: 2222\n")
    (tmp_path / "one.yml").write_text("- command: x\n")

    def host(name: str, call: Call) -> Mapping[str, Any]:
        if call.module == "setup":
            return {"changed": False, "ansible_facts": {"ansible_port": 2222}}
        return well(name, call)

    done = play(tmp_path, HEAD + text, hosts="h1", host=host)
    found = [each if not isinstance(each, dict) else {"changed": each["changed"]} for each in ports(done)]
    assert found == expected


@pytest.mark.parametrize(
    ("inventory", "text", "expected"),
    [
        # The pool knows what the inventory says, and what the command line says.
        ("h1 ansible_port=22", "  tasks:\n" + COMMAND, [None]),
        ("h1 ansible_port=22", "  port: 2222\n  tasks:\n" + COMMAND, [None]),
        ("h1 ansible_port=2222", "  vars: {ansible_port: 2222}\n  tasks:\n" + COMMAND, [None]),
        ("h1 ansible_port=22", "  vars: {ansible_port: 2222}\n  tasks:\n" + COMMAND, [2222]),
        ("h1 ansible_port='{{ p }}'", "  vars: {p: 2222}\n  tasks:\n" + COMMAND, [None]),
        ("h1 ansible_port='{{ p }}'", "  vars: {ansible_port: 7, p: 2222}\n  tasks:\n" + COMMAND, [7]),
        # Another host does it, which has its own variables.
        ("h1\nh2", "  vars: {ansible_port: 7}\n  tasks:\n" + COMMAND + "      delegate_to: h2\n", [None, 7]),
    ],
)  # fmt: skip
def test_beside_an_inventory(tmp_path: Path, inventory: str, text: str, expected: list[Any]) -> None:
    done = play(tmp_path, HEAD + text, inventory=inventory + "\n")
    assert ports(done) == expected


def test_extra_variables_are_the_pools_own_business(tmp_path: Path) -> None:
    text = HEAD + "  vars: {ansible_port: 1, ansible_user: me}\n  tasks:\n" + COMMAND
    done = play(tmp_path, text, hosts="h1", extra={"ansible_port": "2222"})
    assert ports(done) == [None]
    assert [name for name, *_ in done.calls] == ["h1 (user me)"]


def test_a_template_of_the_inventory_that_fails_fails_the_task(tmp_path: Path) -> None:
    done = play(tmp_path, HEAD + "  tasks:\n" + COMMAND, inventory="h1 ansible_host='{{ nowhere }}'\n")
    assert not done.calls and "nowhere" in str(done.messages("h1"))


_VALUES = st.sampled_from([None, "", "a", 22, "{{ x }}", "{{ y }}"])
_LAYERS = st.dictionaries(st.sampled_from([*CONNECTION[:4], "other"]), _VALUES, max_size=4)


@given(st.lists(_LAYERS, max_size=3), _LAYERS, _LAYERS, st.booleans())
def test_as_if_every_name_were_looked_up(
    above: list[dict[str, Any]], inventory: dict[str, Any], below: dict[str, Any], extra: bool
) -> None:
    world = World(load(["h1,"]), ".", lambda value: "")
    world.hosts["h1"].vars.update(inventory)
    variables = Variables(world, {CONNECTION[0]: "e"} if extra else {}, {})
    mine = variables.inventory_of("h1")
    known = {name: prepared(value) for name, value in {"x": 1, "y": "{{ x }}"}.items()}
    layers = [{name: prepared(value) for name, value in layer.items()} for layer in (*above, below)]
    scope = Scope(variables.extra, *layers[:-1], known, Facts("h1"), mine, layers[-1])
    every = {}
    for name in CONNECTION:
        value = scope.get(name)
        plain = mine.get(name)
        if (
            value is not None
            and name not in variables.extra
            and (plain is None or resolve(plain, scope) != value)
        ):
            every[name] = value
    assert _connection_variables("h1", variables, scope) == every
