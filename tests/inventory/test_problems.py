"""Everything wrong is named, with its place and a hint, and nothing but our errors comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import HostpoolError, InventoryError, Problems
from hostpool.inventory import check, load

GARBAGE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def found(path: Path) -> list[tuple[int | None, int | None, str, str | None]]:
    return [(e.line, e.column, e.message, e.hint) for e in check([str(path)])]


def test_ini_problems_are_listed_all_at_once(tmp_path: Path) -> None:
    source = tmp_path / "hosts.ini"
    source.write_text(
        "[web]\n"
        "w1 ansible_prot=22\n"
        "w1\n"
        "w2 loose\n"
        "w[3-5]\n"
        "w[1:2000000]\n"
        'w6 a="x\n'
        "[wbe:vars]\n"
        "a=1\n"
        "[prod:children]\n"
        "web\n"
        "dbb\n"
        "[web:children]\n"
        "prod\n"
        "[db:chidlren]\n"
        "x\n"
        "[db]\n"
        "d1 a=1 a=2\n"
        "d2:\n"
        "[web]\n"
        "[a b]\n"
    )
    assert found(source) == [
        (2, 1, "unknown connection variable ansible_prot", "did you mean ansible_port?"),
        (3, 1, "host w1 is already in web, line 2", None),
        (4, 1, "expected key=value after the host, got 'loose'", "put one host on a line"),
        (5, 1, "bad range [3-5] in 'w[3-5]'", "write begin:end or begin:end:step, as in [3:5]"),
        (6, 1, "'w[1:2000000]' stands for more than 1,000,000 hosts", "narrow the range"),
        (7, 1, "bad quoting: No closing quotation", "close the quote, or escape it with \\"),
        (8, 1, "[wbe:vars] is for the undefined group wbe", "did you mean web?"),
        (12, 1, "[prod:children] names the undefined group dbb", "did you mean db?"),
        (
            14,
            1,
            "group prod cannot be a child of web: web is already inside prod",
            "take one of the two away",
        ),
        (15, 1, "section [db:chidlren] has an unknown type 'chidlren'", "did you mean children?"),
        (18, 8, "variable a is set twice on this line", "the last one counts"),
        (19, 1, "'d2:' ends in a colon without a port", "write host or host:port"),
        (20, 1, "the section is already in line 1", "merge the two"),
        (21, 1, "bad section [a b]", "write [group], [group:children] or [group:vars], without blanks"),
    ]
    with pytest.raises(Problems) as caught:
        load([str(source)])
    # What is only a slip does not keep the inventory from loading.
    assert len(caught.value.errors) == 10
    assert {e.kind for e in caught.value.errors} == {"inventory"}
    first = caught.value.errors[0]
    assert (first.file, first.line, first.source) == (str(source), 4, "w2 loose")


def test_yaml_problems_are_listed_all_at_once(tmp_path: Path) -> None:
    source = tmp_path / "hosts.yml"
    source.write_text(
        "web:\n"
        "  host:\n"
        "    w1:\n"
        "  hosts:\n"
        "    w2: {ansible_prot: 22}\n"
        "    w[1:2000000]:\n"
        "    w[5:3]:\n"
        "    17:\n"
        "    w2: {a: 1}\n"
        "  chidlren:\n"
        "    db:\n"
        "  children:\n"
        "    db:\n"
        "      children:\n"
        "        web:\n"
        "  vars:\n"
        "    when: 2020-13-45\n"
        "    tag: !what x\n"
        "web:\n"
        "  vars: [1]\n"
        "lone: text\n"
    )
    assert [(line, column, message) for line, column, message, _ in found(source)] == [
        (2, 3, "unknown key 'host' in group web"),
        (5, 10, "unknown connection variable ansible_prot"),
        (6, 5, "'w[1:2000000]' stands for more than 1,000,000 hosts"),
        (7, 5, "range [5:3] in 'w[5:3]' ends before it begins"),
        (8, 5, "the name of a host is text, not 17"),
        (9, 5, "duplicate key 'w2', first in line 5"),
        (10, 3, "unknown key 'chidlren' in group web"),
        (13, 5, "group db cannot be a child of web: web is already inside db"),
        (17, 11, "'2020-13-45' is no timestamp"),
        (18, 10, "unknown tag !what"),
        (19, 1, "duplicate key 'web', first in line 1"),
        (20, 9, "vars of group web is no mapping"),
        (21, 7, "group lone is no mapping"),
    ]
    hints = {message: hint for _, _, message, hint in found(source)}
    assert hints["unknown key 'chidlren' in group web"] == "did you mean children?"
    assert hints["unknown key 'host' in group web"] == "did you mean hosts?"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("all:\n\thosts:\n", 2, "a tab in the indentation"),
        ("all:\n  hosts:\n  - [\n", 4, "bad YAML"),
        ("all:\n hosts:\n   a: b: c\n", 3, "mapping values are not allowed"),
        ("- a\n- b\n", 1, "an inventory is a mapping of groups"),
        ("plugin: aws_ec2\n", 1, "this file configures an inventory plugin"),
        ("all: &a\n  children: {b: *a}\n", 2, "is its own child"),
        ("a: *b\n", 1, "undefined alias"),
        ("a: {vars: {x: &x [*x]}}\n", 1, "an alias refers to what it is part of"),
        ("a: 1\n---\nb: 2\n", 2, "expected a single document"),
        ("a: \x01\n", 1, "bad YAML"),
        ("all: {vars: {? [1] : 2}}\n", 1, "a key cannot be a list"),
        ("b: {children: {all: }}\n", 1, "group all cannot be a child of b"),
        ("b: {vars: {ansible_group_priority: high}}\n", 1, "ansible_group_priority of b is 'high'"),
    ],
)
def test_one_yaml_problem(tmp_path: Path, text: str, line: int, message: str) -> None:
    source = tmp_path / "hosts.yaml"
    source.write_text(text)
    problem = check([str(source)])[0]
    assert message in problem.message
    assert (problem.file, problem.line) == (str(source), line)


def test_variables_files_are_checked_and_read_late(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[web]\nw1\n[db]\nd1\n")
    for name, text in {
        "group_vars/web.yml": "a: [\n",
        "group_vars/wbe.yml": "a: 1\n",
        "group_vars/db.yml": "on: 1\n",
        "host_vars/w1/list.yml": "- 1\n",
        "host_vars/d1": "$ANSIBLE_VAULT;1.1;AES256\n3031\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    inventory = load([str(tmp_path / "hosts")])
    assert inventory.select("all") == ["w1", "d1"]
    with pytest.raises(InventoryError, match="bad YAML"):
        inventory.vars_of("w1")
    with pytest.raises(InventoryError, match="not True"):
        inventory.vars_of("d1")
    (tmp_path / "group_vars" / "db.yml").unlink()
    with pytest.raises(InventoryError, match="Vault"):
        load([str(tmp_path / "hosts")]).vars_of("d1")
    problems = {str(Path(e.file or "").relative_to(tmp_path)): e for e in check([str(tmp_path / "hosts")])}
    assert set(problems) == {
        "group_vars/web.yml",
        "group_vars/wbe.yml",
        "host_vars/w1/list.yml",
        "host_vars/d1",
    }
    assert problems["group_vars/wbe.yml"].hint == "did you mean web?"
    assert problems["group_vars/wbe.yml"].kind == "inventory_warning"


@pytest.mark.parametrize("name", ["missing", "hosts.toml", "program", "empty_directory", "vaulted.yml"])
def test_sources_that_are_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "empty_directory":
        path.mkdir()
        (path / "README.md").write_text("nothing")
    elif name != "missing":
        path.write_text("#!/bin/sh\n" if name == "program" else "$ANSIBLE_VAULT;1.1;AES256\n00\n")
        path.chmod(0o755 if name == "program" else 0o644)
    with pytest.raises(InventoryError) as caught:
        load([str(path)])
    assert caught.value.file == str(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        "exit 3",
        "echo no json",
        "echo '[]'",
        "echo '{\"_meta\": 1}'",
        'echo \'{"a": {"hosts": 1}}\'',
        "kill -9 $$",
    ],
)
def test_a_program_that_misbehaves(tmp_path: Path, body: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    with pytest.raises(InventoryError) as caught:
        load([str(program)], allow_executable=True)
    assert caught.value.file == str(program)


def survives(path: Path) -> None:
    try:
        inventory = load([str(path)])
        for host in list(inventory.hosts)[:5]:
            inventory.vars_of(host)
        inventory.graph(vars=True)
        inventory.to_ansible_list()
    except HostpoolError as error:
        assert error.message
    check([str(path)])


ini_like = st.lists(
    st.text(st.sampled_from("[]:=#;'\"\\ \tab1.-,{}()é\x00\x85\u2028"), max_size=14), max_size=6
).map("\n".join)
yaml_like = st.lists(
    st.text(st.sampled_from("[]{}:,#&*!|>-? \t'\"%@`ab1~<=é\x00\x85"), max_size=10), max_size=8
).map("\n".join)
structured = st.recursive(
    st.sampled_from(
        ["a", "1", "~", "!x y", "*a", "&a b", "!!int z", "2020-99-99", "[", "0x", "!!binary é", "1:99"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(
            st.tuples(st.sampled_from(["all", "hosts", "vars", "children", "<<", "? []", "1", "a"]), inner),
            max_size=3,
        ).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"),
    ),
    max_leaves=12,
)


@GARBAGE
@given(
    text=ini_like | yaml_like | structured,
    name=st.sampled_from(["hosts.ini", "hosts.yml", "hosts", "hosts.json"]),
)
def test_garbage_text(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    survives(path)


@GARBAGE
@given(data=st.binary(max_size=60), name=st.sampled_from(["hosts.ini", "hosts.yml", "hosts"]))
def test_garbage_bytes(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    survives(path)


@GARBAGE
@given(text=yaml_like | structured)
def test_garbage_in_variables_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\nw1\n")
    (tmp_path / "group_vars").mkdir(exist_ok=True)
    (tmp_path / "group_vars" / "web").write_text(text, encoding="utf-8")
    survives(tmp_path / "hosts.ini")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: " + "{x: " * 900 + "}" * 900,
        "a: {vars: {x: " + "[" * 900 + "]" * 900 + "}}",
        '{"a": ' * 5000,
        "{a: &a {children: {b: &b {children: {c: *a}}}}}",
        "".join(
            f"g{i}: &g{i} {{children: {{a{i}: *g{i - 1}, b{i}: *g{i - 1}}}}}\n" for i in range(1, 40)
        ).replace("*g0", "~"),
        "x: &x0 [1]\n" + "".join(f"x{i}: &x{i} [*x{i - 1}, *x{i - 1}]\n" for i in range(1, 40)),
    ],
)
@pytest.mark.parametrize("name", ["hosts.yml", "hosts", "hosts.ini"])
def test_deep_and_wide_documents_end_soon(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    try:
        load([str(path)])
    except HostpoolError:
        pass
