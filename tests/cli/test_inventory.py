"""``hostpool inventory``: what is printed, and when it is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Hostpool

YAML = """\
web:
  hosts:
    web[1:2]:
  vars:
    port: 80
db:
  hosts:
    db1:
      ansible_host: 10.0.0.1
"""


@pytest.fixture(autouse=True)
def inventory(workdir: Path) -> Path:
    file = workdir / "inventories" / "hosts.yml"
    file.parent.mkdir()
    file.write_text(YAML)
    return file


def test_list(call: Hostpool) -> None:
    assert call("inventory", "list").out == "web1\nweb2\ndb1\n"
    assert call("inventory", "list", "web", "-x", "web1").out == "web2\n"
    everything = json.loads(call("inventory", "list", "-o", "json").out)
    assert everything["web"] == {"hosts": ["web1", "web2"]}
    assert everything["_meta"]["hostvars"]["db1"] == {"ansible_host": "10.0.0.1"}
    some = json.loads(call("inventory", "list", "-o", "json", "db").out)
    assert set(some["_meta"]["hostvars"]) == {"db1"}


def test_graph(call: Hostpool) -> None:
    assert call("inventory", "graph", "web").out == "@web:\n  |--web1\n  |--web2\n"
    assert "{port = 80}" in call("inventory", "graph", "--vars").out


def test_show(call: Hostpool) -> None:
    assert call("inventory", "show", "web1").out == "web1\n  groups: web\n  port: 80\n"
    assert json.loads(call("inventory", "show", "-o", "json", "web1").out) == {"port": 80}
    assert json.loads(call("inventory", "show", "-o", "json", "web1", "-e", "port=8080").out) == {
        "port": "8080"
    }


def test_check_says_what_is_wrong_and_ends_with_2(inventory: Path, call: Hostpool) -> None:
    assert call("inventory", "check").code == 0
    inventory.write_text("web:\n  hostss:\n    a:\ndb:\n  hosts:\n    n[1:x]:\n")
    ended = call("inventory", "check")
    assert ended.code == 2
    assert f"error: {inventory}:2:3: " in ended.out
    assert f"{inventory}:6:" in ended.out
    assert "    hostss:\n    ^\n" in ended.out
    data = json.loads(call("inventory", "check", "-o", "json").out)
    assert (data[0]["line"], data[0]["kind"]) == (2, "inventory")


def test_likely_slips_are_listed_and_no_error(inventory: Path, call: Hostpool) -> None:
    inventory.write_text("web:\n  hosts:\n    web1:\n      ansible_prot: 22\n")
    ended = call("inventory", "check")
    assert ended.code == 0
    assert "warning: " in ended.out and "ansible_port" in ended.out
    assert "0 errors, 1 likely slip" in ended.out


def test_hostile_names_do_nothing_to_the_screen(inventory: Path, call: Hostpool) -> None:
    inventory.write_text('web:\n  hosts:\n    web1:\n      note: "a\\e[2Jb"\n')
    for words in (["show", "web1"], ["graph", "--vars"], ["check"]):
        assert "\x1b" not in call("inventory", *words).out


def test_standard_input(hostpool: Hostpool) -> None:
    assert hostpool("inventory", "list", "-i", "-", stdin="[g]\na\nb\n").out == "a\nb\n"


def test_nothing_to_check(inventory: Path, call: Hostpool) -> None:
    inventory.unlink()
    ended = call("inventory", "check")
    assert ended.code == 2
    assert "there is no inventory to check" in ended.err
