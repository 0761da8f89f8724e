"""The filters and tests of playbooks, by examples from their documentation and by properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.templating.scope import Scope
from hostpool.templating.template import RenderError, Template
from hostpool.templating.versions import compare


def of(expression: str, **values: Any) -> Any:
    return Template(expression, expression=True).render(Scope(values))


CASES: list[tuple[str, Any]] = [
    ("'a.b.c' | regex_replace('\\\\.', '-')", "a-b-c"),
    ("'foobar' | regex_search('o+')", "oo"),
    ("'foobar' | regex_search('x')", None),
    ("'server1/db42' | regex_search('server([0-9]+)/db([0-9]+)', '\\\\1', '\\\\2')", ["1", "42"]),
    ("'a1b22' | regex_findall('[0-9]+')", ["1", "22"]),
    ("'a.b' | regex_escape", "a\\.b"),
    ("'abc' | b64encode", "YWJj"),
    ("'YWJj' | b64decode", "abc"),
    ("'test' | hash('sha1')", "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"),
    ("'a b' | quote", "'a b'"),
    ("'yes' | bool", True),
    ("'nothing' | bool", False),
    ("none | bool", None),
    ("true | ternary('a', 'b')", "a"),
    ("none | ternary('a', 'b', 'c')", "c"),
    ("'' | default('x', true)", "x"),
    ("[3, 1, 2] | max", 3),
    ("[[1, [2]], [3, none]] | flatten", [1, 2, 3]),
    ("[[1, [2]], [3]] | flatten(levels=1)", [1, [2], 3]),
    ("[1, 2, 1] | unique", [1, 2]),
    ("[1, 2] | union([2, 3])", [1, 2, 3]),
    ("[1, 2] | difference([2])", [1]),
    ("[1, 2] | intersect([2])", [2]),
    ("[1, 2] | symmetric_difference([2, 3])", [1, 3]),
    ("{'a': 1} | dict2items", [{"key": "a", "value": 1}]),
    ("[{'key': 'a', 'value': 1}] | items2dict", {"a": 1}),
    ("{'a': {'b': 1}} | combine({'a': {'c': 2}}, recursive=true)", {"a": {"b": 1, "c": 2}}),
    ("{'a': 1} | combine({'a': 2}, {'b': 3})", {"a": 2, "b": 3}),
    ("[0, 2] | map('extract', ['x', 'y', 'z']) | list", ["x", "z"]),
    ("[{'n': 'a', 's': [1, 2]}] | subelements('s') | map('last') | list", [1, 2]),
    ("[1, 2] | zip(['a', 'b']) | list", [(1, "a"), (2, "b")]),
    ("[{'a': 1}, {'a': 2, 'b': 3}] | selectattr('b', 'defined') | list", [{"a": 2, "b": 3}]),
    ("{'b': 1, 'a': [1]} | to_json", '{"b": 1, "a": [1]}'),
    ("{'b': 1} | to_nice_json", '{\n    "b": 1\n}'),
    ("'[1]' | from_json", [1]),
    ("'/a/b.c' | basename", "b.c"),
    ("'/a/b.c' | dirname", "/a"),
    ("'b.tar.gz' | splitext", ["b.tar", ".gz"]),
    ("['/a', 'b'] | path_join", "/a/b"),
    ("'http://u@h:1/p?q' | urlsplit('hostname')", "h"),
    ("1024 | human_readable", "1.00 KB"),
    ("'1.5M' | human_to_bytes", 1572864),
    ("10 | random(seed='x') == 10 | random(seed='x')", True),
    ("'a,b' | split(',')", ["a", "b"]),
    ("{'failed': true} is failed", True),
    ("{'rc': 0} is success", True),
    ("{'changed': true} is changed", True),
    ("{'skipped': true} is skipped", True),
    ("'10.2' is version('9.9', '>')", True),
    ("'1.10' is version('1.9', '>=')", True),
    ("'1.0.0-rc1' is version('1.0.0', '<', version_type='semver')", True),
    ("'abc' is match('b')", False),
    ("'abc' is search('b')", True),
    ("'abc' is regex('^a.c$')", True),
    ("[1] is subset([1, 2])", True),
    ("[1, 2] is contains(2)", True),
    ("'/' is directory", True),
    ("'line' | comment", "#\n# line\n#"),
]


@pytest.mark.parametrize(("expression", "value"), CASES)
def test_as_documented(expression: str, value: Any) -> None:
    assert of(expression) == value


@pytest.mark.parametrize(
    "expression", ["'x' is failed", "'x' | dict2items", "'a' is version('', '>')", "x | mandatory"]
)
def test_misuse_is_named(expression: str) -> None:
    with pytest.raises(RenderError):
        of(expression)


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=4), st.lists(st.integers(0, 20), min_size=1, max_size=4)
)
@settings(max_examples=80, deadline=None)
def test_versions_are_ordered_as_their_numbers(a: list[int], b: list[int]) -> None:
    first, second = (".".join(map(str, each)) for each in (a, b))
    assert compare(first, second, "<") == (a < b)
    assert compare(first, second, ">=") == (not compare(first, second, "<"))


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=4))
@settings(max_examples=60, deadline=None)
def test_there_and_back(values: dict[str, Any]) -> None:
    assert of("v | dict2items | items2dict", v=values) == values
    assert of("v | to_json | from_json", v=values) == values
    assert of("v | combine({})", v=values) == values


@given(st.text(alphabet=st.characters(codec="utf-8")))
@settings(max_examples=60, deadline=None)
def test_base64_there_and_back(text: str) -> None:
    assert of("v | b64encode | b64decode", v=text) == text
