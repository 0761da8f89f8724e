"""What a template becomes: types kept, names strict, host data never rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.templating import render
from hostpool.templating.omit import OMIT
from hostpool.templating.scope import Scope
from hostpool.templating.template import RenderError, Template, prepared, resolve, truth

VALUES = {"n": 3, "t": "text", "l": [1, 2], "d": {"a": {"b": 1}}, "none": None, "yes": True, "v": "1.10"}


def rendered(text: str, **values: Any) -> Any:
    return Template(text).render(Scope({**VALUES, **values}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ n }}", 3),
        ("{{ n + 1 }}", 4),
        ("{{ l }}", [1, 2]),
        ("{{ d.a }}", {"b": 1}),
        ("{{ none }}", None),
        ("{{ true }}", True),
        ("{{ 1 }}", 1),
        ("{{ [] }}", []),
        ("{{ v }}", "1.10"),
        ("x{{ none }}y", "xy"),
        ("{{ n }}{{ n }}", "33"),
        (" {{ n }}", " 3"),
        ("{{ n }}\n", 3),
        ("{{ t }}\n\n", "text\n\n"),
        ("{{ n }}{{ n }}\n", "33\n"),
        ("{% if yes %}{{ l }}{% endif %}", [1, 2]),
        ("{% if not yes %}{{ l }}{% endif %}", ""),
        ("{% for x in l %}{{ x }},{% endfor %}", "1,2,"),
        ("{{ 'a' }}{{ true }}", "aTrue"),
        ("{% set x = l %}{{ x }}", [1, 2]),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(1) }}", "<1>"),
        ("{{ missing.a.b | default('d') }}", "d"),
        ("{{ missing is defined }}", False),
        ("{{ d.x.y is defined }}", False),
        ("{{ l | map('string') | join('-') }}", "1-2"),
    ],
)
def test_types_are_kept(text: str, value: Any) -> None:
    got = rendered(text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("text", ["{{ missing }}", "{{ d.x }}", "a{{ d.x.y }}", "{{ missing | upper }}"])
def test_undefined_is_an_error(text: str) -> None:
    with pytest.raises(RenderError) as info:
        rendered(text)
    assert info.value.undefined


@given(st.text(), st.lists(st.text(), max_size=3))
@settings(max_examples=60, deadline=None)
def test_host_data_is_never_rendered_and_never_guessed(text: str, texts: list[str]) -> None:
    scope = Scope({"x": text, "l": texts, "named": Template("{{ x }}"), "braces": "{{ x }}"})
    assert Template("{{ x }}").render(scope) == text
    assert Template("{{ l }}").render(scope) == texts
    assert Template("{{ named }}").render(scope) == text
    assert Template("{{ braces }}").render(scope) == "{{ x }}"


def test_variables_are_templates_that_see_the_whole_scope() -> None:
    scope = Scope({"b": 1}, prepared({"a": "x"}), {"c": Template("{{ b + 1 }}"), "b": 9})
    assert resolve(prepared({"k": ["{{ c }}", "{{ a }}", 3]}), scope) == {"k": [2, "x", 3]}


def test_a_circle_of_variables_is_named() -> None:
    scope = Scope({"a": Template("{{ b }}"), "b": Template("{{ a }}")})
    with pytest.raises(RenderError, match="refers to itself"):
        scope["a"]


def test_what_fails_inside_a_mapping_fails_when_it_is_used() -> None:
    scope = Scope({"m": prepared({"good": "{{ n }}", "bad": "{{ nothing }}"}), "n": 1})
    assert Template("{{ m.good }}").render(scope) == 1
    with pytest.raises(RenderError, match="nothing"):
        Template("{{ m.bad }}").render(scope)


def test_omit_takes_an_argument_away() -> None:
    scope = Scope({"mode": "0600"})
    args = prepared({"mode": "{{ mode }}", "owner": "{{ owner | default(omit) }}"})
    assert resolve(args, scope) == {"mode": "0600"}
    assert Template("{{ omit }}").render(scope) is OMIT


def test_a_template_that_changes_a_list_changes_its_own() -> None:
    values: dict[str, Any] = {"l": [1]}
    assert Template("{% set _ = l.append(2) %}{{ l }}").render(Scope(values)) == [1, 2]
    assert values == {"l": [1]}


@pytest.mark.parametrize(
    "text", ["{{ ''.__class__.__mro__ }}", "{{ l.__class__.__init__.__globals__ }}", "{{ f.__code__ }}"]
)
def test_the_sandbox_holds(text: str) -> None:
    with pytest.raises(RenderError):
        rendered(text, f=lambda: 1)


@pytest.mark.parametrize(
    ("value", "said"), [("x", True), ("", False), ([], False), (1, True), ("true", True)]
)
def test_conditions(value: Any, said: bool) -> None:
    assert truth(value, Template("v", expression=True)) is said


def test_a_condition_that_reads_like_a_no_is_refused() -> None:
    with pytest.raises(RenderError, match="bool"):
        truth("false", Template("v", expression=True))


def test_an_expression_may_span_lines_and_hold_comments_of_yaml() -> None:
    condition = Template("n == 3 and\n  t == 'text'", expression=True)
    assert condition.render(Scope(VALUES)) is True


def test_connection_variables_get_the_filters_too() -> None:
    assert render("{{ a | regex_replace('x', 'y') }}", {"a": "xx"}) == "yy"
    assert render("{{ port + 1 }}", {"port": 22}) == "23"


def test_templates_include_what_stands_beside_them(tmp_path: Path) -> None:
    from hostpool.playbook.lookups import render_file

    (tmp_path / "part.j2").write_text("{{ n }}!")
    (tmp_path / "main.j2").write_text("a {% include 'part.j2' %}\n  {% if n %}\nb\n  {% endif %}\n")
    path = str(tmp_path / "main.j2")
    assert render_file(path, Scope(VALUES)) == "a 3!  b\n  \n"
    assert render_file(path, Scope(VALUES), None, (True, True)) == "a 3!b\n"
    assert rendered("{{ 'a' | ansible.builtin.upper }}") == "A"
