"""Loading, variables, destinations, the default source, and what all of it may cost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostpool.errors import InventoryError, PatternError
from hostpool.inventory import Unsafe, bare_destinations, check, default_source, load, parse_destination
from tests.inventory.conftest import ROOT


def test_the_sample_inventory_is_clean_and_is_the_default() -> None:
    source = default_source({}, str(ROOT), str(ROOT / "no-such-directory"))
    assert source == str(ROOT / "inventories" / "hosts.yml")
    assert check([source]) == []
    inventory = load([source])
    assert inventory.select("web:&production") == [f"app0{i}.example.com" for i in range(1, 5)]
    assert inventory.select("app[01-04].example.com") == inventory.select("web:&production")
    assert inventory.vars_of("app01.stage.example.test")["workers"] == 1
    assert inventory.vars_of("gate.example.com")["ansible_port"] == 2222
    assert inventory.vars_of("app01.example.com")["server_name"] == "www.{{ domain }}"


def test_variables_of_a_host(tmp_path: Path) -> None:
    source = tmp_path / "hosts"
    source.write_text("[web]\nw1.example.com a=1\n10.0.0.1\n[prod:children]\nweb\n")
    inventory = load([str(source)])
    assert dict(inventory.vars_of("w1.example.com")) == {
        "a": 1,
        "inventory_hostname": "w1.example.com",
        "inventory_hostname_short": "w1",
        "group_names": ["prod", "web"],
        "inventory_file": str(source),
        "inventory_dir": str(tmp_path),
    }
    assert inventory.vars_of("10.0.0.1")["inventory_hostname_short"] == "10.0.0.1"
    assert inventory.groups_of("w1.example.com") == ("prod", "web")
    with pytest.raises(InventoryError) as caught:
        inventory.vars_of("w2.example.com")
    assert caught.value.hint == "did you mean w1.example.com?"
    with pytest.raises(TypeError):
        inventory.vars_of("10.0.0.1")["a"] = 2  # type: ignore[index]  # that it cannot be done is the point


def test_unsafe_and_vault_values(tmp_path: Path) -> None:
    source = tmp_path / "hosts.yml"
    source.write_text("web: {hosts: {w1: {a: !unsafe '{{ x }}', b: !vault secret, c: 1}}}\n")
    values = load([str(source)]).vars_of("w1")
    assert isinstance(values["a"], Unsafe)
    assert values["a"] == "{{ x }}"
    assert values["c"] == 1
    assert "b" in values
    with pytest.raises(InventoryError, match="variable b is encrypted") as caught:
        values["b"]
    assert caught.value.line == 1


def test_variables_beside_a_playbook_rank_above_the_inventory_s(tmp_path: Path) -> None:
    for place, value in (("inv", 1), ("play", 2)):
        (tmp_path / place / "group_vars").mkdir(parents=True)
        (tmp_path / place / "group_vars" / "web.yml").write_text(f"a: {value}\nb{value}: x\n")
    (tmp_path / "inv" / "hosts").write_text("[web]\nw1\n")
    inventory = load([str(tmp_path / "inv" / "hosts")])
    assert inventory.vars_of("w1")["a"] == 1
    values = inventory.beside(str(tmp_path / "play")).vars_of("w1")
    assert (values["a"], values["b1"], values["b2"]) == (2, "x", "x")


@pytest.mark.parametrize(
    "text", ["[web]\nw1 a=1\n", "web: {hosts: {w1: {a: 1}}}\n", '{"web": {"hosts": {"w1": {"a": 1}}}}']
)
def test_standard_input(text: str) -> None:
    for stdin in (io.StringIO(text), io.BytesIO(text.encode())):
        inventory = load(["-"], stdin=stdin)
        assert inventory.select("web") == ["w1"]
        assert inventory.vars_of("w1")["a"] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h1", (None, "h1", None)),
        ("root@h1", ("root", "h1", None)),
        ("root@h1:2222", ("root", "h1", 2222)),
        ("ssh://root@h1:2222/", ("root", "h1", 2222)),
        ("ssh://[2001:db8::1]:22", (None, "2001:db8::1", 22)),
        ("2001:db8::1", (None, "2001:db8::1", None)),
        ("root@[2001:db8::1]", ("root", "2001:db8::1", None)),
        ("a@b@h1", ("a@b", "h1", None)),
    ],
)
def test_destinations(text: str, expected: tuple[str | None, str, int | None]) -> None:
    assert parse_destination(text) == expected


def test_bare_destinations() -> None:
    inventory = bare_destinations("root@10.0.0.[1-3],web1:2222")
    assert list(inventory.hosts) == ["root@10.0.0.1", "root@10.0.0.2", "root@10.0.0.3", "web1"]
    values = inventory.vars_of("root@10.0.0.2")
    assert (values["ansible_host"], values["ansible_user"]) == ("10.0.0.2", "root")
    assert inventory.vars_of("web1")["ansible_port"] == 2222
    assert list(bare_destinations("[2001:db8::1]:22").hosts) == ["2001:db8::1"]
    mixed = bare_destinations("root@[2001:db8::1]:22,h1")
    assert mixed.select("!root@2001:db8::1") == ["h1"]
    # Two servers on one address stay two hosts.
    both = bare_destinations("127.0.0.1:2201,127.0.0.1:2202")
    assert list(both.hosts) == ["127.0.0.1:2201", "127.0.0.1:2202"]
    assert both.select("127.0.0.1:2202") == ["127.0.0.1:2202"]
    assert both.vars_of("127.0.0.1:2202")["ansible_host"] == "127.0.0.1"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "all",
        "web:db",
        "w*",
        "w?",
        "!w1",
        "&w1",
        "@file",
        "~w",
        "w1,all",
        "n[1:3]",
        "-oProxyCommand=x",
        "a b",
        "h:0",
        "@h",
        "w1,-x",
    ],
)
def test_patterns_need_an_inventory(pattern: str) -> None:
    with pytest.raises(PatternError):
        bare_destinations(pattern)


def test_clush_ranges_in_a_host_list() -> None:
    inventory = load(["n[1-3,5],rack[1-2]n[01-02],"])
    assert list(inventory.hosts) == ["n1", "n2", "n3", "n5", "rack1n01", "rack1n02", "rack2n01", "rack2n02"]
    for text in ("n[1-3", "-oProxyCommand=x,", "n[1-2000000],"):
        with pytest.raises(InventoryError):
            load([text])


def test_the_default_source(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    assert default_source({}, str(tmp_path), str(config)) is None
    (config / "inventory").write_text("h1\n")
    assert default_source({}, str(tmp_path), str(config)) == str(config / "inventory")
    directory = tmp_path / "inventories"
    for name in ("group_vars", "host_vars"):
        (directory / name).mkdir(parents=True)
    (directory / "README.md").write_text("")
    (directory / "one.ini").write_text("h1\n")
    assert default_source({}, str(tmp_path), str(config)) == str(directory / "one.ini")
    (directory / "two.yml").write_text("all:\n")
    with pytest.raises(InventoryError, match=r"inventories/one\.ini, inventories/two\.yml") as caught:
        default_source({}, str(tmp_path), str(config))
    assert caught.value.hint == "choose one, as in -i inventories/one.ini"
    assert default_source({"HOSTPOOL_INVENTORY": "h1,"}, str(tmp_path), str(config)) == "h1,"


def test_a_program_among_sources_runs_only_when_allowed(tmp_path: Path) -> None:
    program = tmp_path / "inventory"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{{}}'\n")
    program.chmod(0o755)
    with pytest.raises(InventoryError):
        load([str(tmp_path)])
    check([str(tmp_path)])
    assert not (tmp_path / "ran").exists()
    # On some file systems everything has the x bit: then the first bytes decide.
    program.write_text("[web]\nw1\n")
    assert load([str(program)]).select("web") == ["w1"]


def _large(directory: Path) -> tuple[Path, Path]:
    ini, yml = directory / "hosts.ini", directory / "hosts.yml"
    with ini.open("w") as i, yml.open("w") as y:
        y.write("all:\n  children:\n")
        for group in range(50):
            i.write(f"[g{group}]\n")
            y.write(f"    g{group}:\n      hosts:\n")
            for n in range(100):
                name, address = f"web{group}-{n}.example.com", f"10.0.{group}.{n}"
                i.write(f"{name} ansible_host={address} ansible_port=2222 rack={n % 9}\n")
                y.write(f"        {name}:\n          ansible_host: {address}\n          ansible_port: 2222\n")
    return ini, yml


def test_five_thousand_hosts_load_fast(tmp_path: Path) -> None:
    # CPU seconds, ten times what the reference machine takes: neighbours must not fail the test.
    for path, limit in zip(_large(tmp_path), (2, 5), strict=True):
        start = time.process_time()
        inventory = load([str(path)])
        assert len(inventory.hosts) == 5000
        for host in inventory.hosts:
            inventory.vars_of(host)
        assert len(inventory.select("g0[0]:g1:&web*:!web1-5*")) == 90
        assert time.process_time() - start < limit


def test_importing_is_cheap_and_yaml_waits_until_needed(tmp_path: Path) -> None:
    source = tmp_path / "hosts.ini"
    source.write_text("[web]\nw1 a=1\n")
    program = (
        "import sys, hostpool.inventory\n"
        "for source in ('h1,h2,', sys.argv[1]):\n"
        "    inventory = hostpool.inventory.load([source])\n"
        "    [inventory.vars_of(host) for host in inventory.select('all')]\n"
        "heavy = {'yaml', 'subprocess', 'difflib', 'ipaddress', 'pathlib', 'shlex'} & set(sys.modules)\n"
        "print(*heavy)\n"
    )
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "cache"),
    }
    argv = [sys.executable, "-c", program, str(source)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
