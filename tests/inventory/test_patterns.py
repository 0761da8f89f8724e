"""Patterns select what Ansible selects, and name hosts as clush does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import PatternError
from hostpool.inventory import Inventory, load
from tests.inventory.conftest import Ansible, words

SOURCE = """
gate.example.com
[web]
w[1:5]
web.example.com
[db]
d[01:03]
w2
[n]
n[1:4]
x3
[prod:children]
web
late
[late]
l1
d02
[empty]
[2001]
2001:db8::1
"""
BY_NAME = words("web db prod late empty n all ungrouped w1 w2 d01 x3 gate.example.com web.example.com nope")
GLOBS = words(
    "w* *1 d0? *.example.com w[12] [wd]* w[!1] al* un* *[0] ~w ~^(web|d0[12]) ~.*3$ ~x[0-9] 2001:db8::1"
)
SUBSCRIPTS = words(
    "web[0] web[-1] web[1:2] web[0:0] web[1:] web[9] w*[0:1] *[-1] prod[2:3] d*[-2] n[0] n[9] empty[0]"
)
terms = st.sampled_from(BY_NAME + GLOBS + SUBSCRIPTS)
patterns = st.lists(
    st.tuples(st.sampled_from(["", "", "&", "!"]), terms).map("".join), min_size=1, max_size=4
).flatmap(lambda parts: st.sampled_from([",", ":"]).map(lambda separator: separator.join(parts)))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patterns") / "hosts.ini"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def inventory(source: Path) -> Inventory:
    return load([str(source)])


def selected(inventory: Inventory, pattern: str, limit: str | None = None) -> list[str] | None:
    try:
        return inventory.select(pattern, limit)
    except PatternError:
        return None


def test_single_terms_as_ansible(ansible: Ansible, source: Path, inventory: Inventory) -> None:
    words = BY_NAME + GLOBS + SUBSCRIPTS
    for word, theirs in zip(words, ansible.select([source], words), strict=True):
        ours = selected(inventory, word)
        # An index out of range is an error to both.
        assert ours == (theirs if isinstance(theirs, list) else None), word


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(batch=st.lists(patterns, min_size=10, max_size=20), limit=st.none() | patterns)
def test_combinations_as_ansible(
    ansible: Ansible, source: Path, inventory: Inventory, batch: list[str], limit: str | None
) -> None:
    # A colon also separates within an IPv6 address; Ansible splits a list of patterns there.
    batch = [pattern for pattern in batch if "2001" not in pattern] or ["all"]
    if limit is not None and ("2001" in limit or selected(inventory, limit) is None):
        limit = None
    for pattern, theirs in zip(batch, ansible.select([source], batch, limit), strict=True):
        if isinstance(theirs, list):
            assert selected(inventory, pattern, limit) == theirs, (pattern, limit)
        else:
            assert selected(inventory, pattern, limit) is None, (pattern, limit)


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("w[1-3]", "w1 w2 w3"),
        ("w[1,3-4]", "w1 w3 w4"),
        ("d[01-03/2]", "d01 d03"),
        ("w[1-2],d[01-02]", "w1 w2 d01 d02"),
        ("w[1-5]:!w[2-4]", "w1 w5"),
        ("[wd][0]1", "d01"),
        ("x[3]", "x3"),
        ("web,!w[1-5]", "web.example.com"),
        ("web:&prod,d01,d02", "w1 w2 w3 w4 w5 web.example.com d02"),
        ("!web:!db:!n:!2001*", "gate.example.com l1"),
        ("2001:db8::1", "2001:db8::1"),
        ("web db", "w1 w2 w3 w4 w5 web.example.com d01 d02 d03"),
    ],
)
def test_clush_names_and_mixtures(inventory: Inventory, pattern: str, hosts: str) -> None:
    assert inventory.match(pattern) == (tuple(hosts.split()), (), ())


def test_subscript_or_name(inventory: Inventory) -> None:
    # n is a group and n3 a host: only the user knows which was meant.
    with pytest.raises(PatternError) as caught:
        inventory.select("n[3]")
    assert "ambiguous" in caught.value.message
    assert caught.value.hint == "write n[3:3] for member 3 of the group, or n3"
    assert inventory.select("n[3:3]") == ["n4"]
    assert inventory.select("n[0]") == ["n1"]
    assert inventory.select("n[1-3]") == ["n1", "n2", "n3"]
    assert inventory.select("n[-1]") == ["x3"]


def test_what_is_unknown_and_what_matches_nothing_are_told_apart(inventory: Inventory) -> None:
    found = inventory.match("wbe,q*,empty,w[4-6]", exclude="dbb")
    assert found.hosts == ("w4", "w5")
    assert [(e.message, e.hint) for e in found.unknown] == [
        ("unknown host or group wbe", "did you mean web?"),
        ("unknown host or group w6 in w[4-6]", None),
        ("unknown host or group dbb", "did you mean db?"),
    ]
    assert [e.message for e in found.unmatched] == ["q* matched no host", "empty holds no host"]
    assert {e.kind for e in found.unknown} == {"unknown_name"}
    assert {e.kind for e in found.unmatched} == {"no_match"}
    members = inventory.match("web[7-8]").unknown[0]
    assert members.hint == "web is a group: its members are web[0:2], inclusive"


def test_limit_and_exclude_and_files(inventory: Inventory, tmp_path: Path) -> None:
    failed = tmp_path / "failed"
    failed.write_text("# from last night\nw1\n\nd[01-02]\n")
    assert inventory.select("all", limit=f"@{failed}") == ["d01", "d02", "w1"]
    assert inventory.select(f"@{failed}") == ["w1", "d01", "d02"]
    assert inventory.select(f"web:!@{failed}", exclude="*.example.com") == ["w2", "w3", "w4", "w5"]
    assert inventory.select(["web", "!w1"], limit=["w1", "w2"], exclude="") == ["w2"]
    with pytest.raises(PatternError, match="limit is empty"):
        inventory.select("all", limit="")
    failed.write_text(f"@{failed}\n")
    for pattern in (f"@{failed}", f"@{tmp_path}/missing", f"@{tmp_path}"):
        with pytest.raises(PatternError):
            inventory.select(pattern)


def test_localhost_is_there_when_named_and_only_then(inventory: Inventory) -> None:
    assert inventory.select("localhost") == ["localhost"]
    assert inventory.vars_of("localhost")["ansible_connection"] == "local"
    assert inventory.host("localhost").implicit
    assert inventory.has("127.0.0.1")
    assert "localhost" not in inventory.select("all")
    assert load(["127.0.0.1,"]).select("localhost") == ["127.0.0.1"]


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        " , ",
        "web[",
        "web]",
        "~(",
        "~[",
        "&",
        "web:!",
        "web[3:1]",
        "w[3-1]",
        "w[01-3]",
        "w[1-2000000]",
        "web[99]",
    ],
)
def test_patterns_that_cannot_be_read(inventory: Inventory, pattern: str) -> None:
    with pytest.raises(PatternError):
        inventory.select(pattern)


@settings(max_examples=400, deadline=None)
@given(pattern=st.text(st.sampled_from("wdn0123[]:-,!&~@*?./() \\{}é"), max_size=12) | st.text(max_size=8))
def test_garbage_is_a_pattern_error_or_a_selection(pattern: str) -> None:
    inventory = load(["w1,w2,n[1-3],"])
    try:
        hosts = inventory.select(pattern)
    except PatternError:
        return
    assert len(set(hosts)) == len(hosts)
