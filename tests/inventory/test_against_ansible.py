"""What Ansible reads, we read: generated inventories, compared value by value."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import HostpoolError
from hostpool.inventory import load
from tests.inventory.conftest import ROOT, Ansible, words

CASES = Path(__file__).with_name("sources")
QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
numbers = itertools.count()


def fresh(directory: Path) -> Path:
    """Ansible caches variables files by path: every example needs a directory of its own."""
    path = directory / f"example{next(numbers)}"
    path.mkdir()
    return path


def assert_same(ansible: Ansible, *sources: Path) -> None:
    ours = load([str(source) for source in sources])
    theirs = ansible.listing(*sources)
    assert json.loads(json.dumps(ours.to_ansible_list())) == theirs
    assert ours.graph() == ansible.graph(*sources)


def assert_same_in_full(ansible: Ansible, *sources: Path) -> None:
    assert_same(ansible, *sources)
    ours = load([str(source) for source in sources])
    for host in list(ours.hosts)[:3]:
        assert json.loads(json.dumps(ours.host_view(host))) == ansible.host(host, *sources)


groups = st.sampled_from(["web", "db", "prod", "staging", "eu", "all", "ungrouped"])
# Ansible forgets ungrouped's variables for a host that is in it and in a child of it: not imitated.
parents = groups.filter(lambda name: name != "ungrouped")
hosts = st.sampled_from(
    words(
        "a b c.example.com n[1:3] n[01:05:2] x[a:c]y 10.0.0.[1:2] h:2222 [2001:db8::1]:22 2001:db8::2 "
        "u@h:22 r[1:2]n[0:1] -x under_score. h[:2] 10.1.1.1:2022 H n1 n2"
    )
)
names = st.sampled_from(words("a b ansible_host ansible_port ansible_user v_1 ansible_group_priority-x"))
values = st.one_of(
    st.sampled_from(
        words(
            "1 010 1.5 1e3 True false yes None text '1' \"two words\" [1,2] (1,2) {'a':1} {1,} b'x' ... 1j "
            "0x1f 1_000 -5 a=b {{x}} a:b #no 2020-01-01 12:30 \\d '' \"\" ="
        )
    ),
    st.text(st.sampled_from("ab1 '\"\\#=[]{},:"), max_size=6),
)


@st.composite
def ini_sources(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["hosts", "hosts", "children", "vars", "top"]))
        group = draw(parents if kind == "children" else groups)
        if kind != "top":
            lines.append(f"[{group}]" if kind == "hosts" else f"[{group}:{kind}]")
        for _ in range(draw(st.integers(0, 3))):
            if kind in ("hosts", "top"):
                pairs = draw(st.lists(st.tuples(names, values), max_size=2, unique_by=lambda p: p[0]))
                lines.append(" ".join([draw(hosts), *(f"{k}={v}" for k, v in pairs)]))
            elif kind == "children":
                lines.append(draw(groups))
            else:
                lines.append(f"{draw(names)} = {draw(values)}")
    return "\n".join(lines) + "\n"


@QUICK
@given(text=ini_sources())
def test_ini(ansible: Ansible, tmp_path: Path, text: str) -> None:
    source = fresh(tmp_path) / "hosts.ini"
    source.write_text(text)
    try:
        load([str(source)])
    except HostpoolError:
        return  # what we refuse is the subject of test_problems
    assert_same(ansible, source)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(["", "x", "1", "yes", "{{ a }}", "1e3"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
variables = st.dictionaries(
    st.sampled_from(["a", "b", "ansible_host", "ansible_port"]), json_values, max_size=3
)


@st.composite
def yaml_sources(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in draw(st.lists(groups, max_size=3, unique=True)):
        group: dict[str, Any] = {}
        if draw(st.booleans()):
            group["hosts"] = draw(st.dictionaries(hosts, st.none() | variables, max_size=3))
        if draw(st.booleans()):
            group["vars"] = draw(variables)
        if depth < 2 and name != "ungrouped" and draw(st.booleans()):
            group["children"] = draw(yaml_sources(depth + 1))
        found[name] = group or None
    return found


@QUICK
@given(data=yaml_sources().filter(bool), extension=st.sampled_from(["hosts.yml", "hosts.json", "hosts"]))
def test_yaml(ansible: Ansible, tmp_path: Path, data: dict[str, Any], extension: str) -> None:
    source = fresh(tmp_path) / extension
    source.write_text(
        json.dumps(data) if extension.endswith("json") else yaml.safe_dump(data, sort_keys=False)
    )
    try:
        load([str(source)])
    except HostpoolError:
        return
    assert_same(ansible, source)


@QUICK
@given(
    first=ini_sources(),
    second=yaml_sources(),
    files=st.dictionaries(
        st.sampled_from(
            [
                *(
                    "group_vars/all.yml",
                    "group_vars/web.yml",
                    "group_vars/web/deep/a.yml",
                    "group_vars/web/b",
                ),
                *("group_vars/db", "group_vars/db.yml", "group_vars/prod.json", "group_vars/web/.hidden.yml"),
                *("host_vars/a.yaml", "host_vars/a", "host_vars/n1/x.yml", "host_vars/c.example.com.yml"),
                *("host_vars/c.example.com", "group_vars/ungrouped.yml", "group_vars/eu/skip.txt"),
            ]
        ),
        st.dictionaries(st.sampled_from(["a", "b", "c", "ansible_group_priority"]), json_values, max_size=2),
        max_size=5,
    ),
    twice=st.booleans(),
)
def test_sources_merged_with_variables_files(
    ansible: Ansible, tmp_path: Path, first: str, second: dict[str, Any], files: dict[str, Any], twice: bool
) -> None:
    place = fresh(tmp_path)
    other = place / "other"
    other.mkdir()
    (place / "one").write_text(first)
    (other / "two.yml").write_text(yaml.safe_dump(second or {"web": None}, sort_keys=False))
    for number, (name, content) in enumerate(files.items()):
        path = (other if twice and number % 2 else place) / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        except OSError:
            continue  # the example wants a file and a directory of one name
    sources = [place / "one", other / "two.yml"]
    try:
        load([str(source) for source in sources])
    except HostpoolError:
        return
    assert_same(ansible, *sources)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: str(case.name))
def test_sources_of_the_wild(ansible: Ansible, case: Path) -> None:
    assert_same_in_full(ansible, case)


def test_the_sample_inventory(ansible: Ansible) -> None:
    sources = [p for p in (ROOT / "inventories").iterdir() if p.suffix in (".yml", ".ini")]
    assert len(sources) == 1
    assert_same_in_full(ansible, *sources)
    ours = load([str(sources[0])])
    assert ours.graph(vars=True) == ansible.graph(*sources, variables=True)


def test_a_program_with_and_without_meta(ansible: Ansible, tmp_path: Path) -> None:
    for number, meta in enumerate((True, False)):
        listing: dict[str, Any] = {
            "web": {"hosts": ["w1", "w2"], "vars": {"a": 1}, "children": ["db"]},
            "db": ["d1"],
            "alone": {"x": 1},
        }
        if meta:
            listing["_meta"] = {"hostvars": {"w1": {"ansible_host": "192.0.2.1"}, "nobody": {"b": 2}}}
        program = tmp_path / f"program{number}"
        program.write_text(
            textwrap.dedent(
                f"""\
                #!/bin/sh
                case "$1" in
                  --list) echo '{json.dumps(listing)}' ;;
                  --host) echo '{{"who": "'"$2"'"}}' ;;
                esac
                """
            )
        )
        program.chmod(0o755)
        ours = load([str(program)], allow_executable=True)
        assert ours.to_ansible_list() == ansible.listing(program)


def test_the_program_ansible_lists_the_same_hosts(ansible: Ansible) -> None:
    source = CASES / "classic.ini"
    done = subprocess.run(
        [ansible.bin / "ansible", "prod:!db-b", "-i", source, "--list-hosts"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(ansible.home), "LC_ALL": "C.UTF-8"},
    )
    title, *names = done.stdout.split("\n")
    assert title.strip().startswith("hosts (")
    assert load([str(source)]).select("prod:!db-b") == [name.strip() for name in names if name]


def test_host_lists(ansible: Ansible) -> None:
    for text in ("h1,", "h1,h2,", "h1, h2:2222 ,h1", "10.0.0.1,[2001:db8::1]:22,2001:db8::2,", "localhost,"):
        ours, theirs = load([text]).to_ansible_list(), ansible.listing(text)
        assert ours == theirs, text
