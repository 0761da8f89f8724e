"""Every module's docstring has the one form, and names all of its parameters and no others."""

from __future__ import annotations

import importlib

import pytest

from hostpool.tasks.modules.docs import BadForm, read
from hostpool.tasks.modules.parent import PARENT
from hostpool.tasks.modules.parent_docs import DOCS
from hostpool.tasks.modules.registry import HOST, module
from hostpool.tasks.modules.spec import Spec

FILES = sorted(set(HOST.values()))


def named(specs: list[Spec]) -> set[str]:
    """The parameters that a playbook can give."""
    return {name for spec in specs for name in spec.params if not name.startswith("_")}


@pytest.mark.parametrize("file", FILES)
def test_the_docstring_of_a_file(file: str) -> None:
    found = importlib.import_module(f"hostpool.tasks.modules.{file}")
    doc = read(found.__doc__ or "")
    assert set(doc.summaries) == set(found.MODULES) == {name for name, at in HOST.items() if at == file}
    assert set(doc.params) == named([each.spec for each in found.MODULES.values()])
    for section in ("Returns", "Needs", "Source"):
        assert doc.sections.get(section), f"{file} has no {section}"


@pytest.mark.parametrize("name", PARENT)
def test_the_docstring_of_a_module_without_host(name: str) -> None:
    doc = read(DOCS[name])
    assert set(doc.summaries) == {name}
    assert set(doc.params) == named([PARENT[name]])
    assert doc.sections["Returns"]
    assert doc.sections["Source"]


def test_the_spec_of_a_module_has_its_name() -> None:
    for name in HOST:
        assert module(name).spec.name == name


@pytest.mark.parametrize(
    ("docstring", "wrong"),
    [
        ("no title", "first line"),
        ("a: b\n\nwhatever\n", "belongs to nothing"),
        ("a: b\n\nParameters:\n    x: one\n    x: two\n", "x stands there twice"),
        ("a: b\n\nReturns: c\nReturns: d\n", "Returns stands there twice"),
        ("a: b\n\nParameters: x\n", "lines of its own"),
        ("a: b\n\nParameters:\n  x: y\n", "belongs to nothing"),
    ],
)
def test_another_form_is_refused(docstring: str, wrong: str) -> None:
    with pytest.raises(BadForm, match=wrong):
        read(docstring)


def test_texts_go_on() -> None:
    doc = read(
        "a, b: one\n    two.\nc: three\n\nParameters:\n    x: one\n        two\nReturns: c\n    d\nSource: e"
    )
    assert doc.summaries == {"a": "one two.", "b": "one two.", "c": "three"}
    assert doc.params == {"x": "one two"}
    assert doc.sections == {"Returns": "c d", "Source": "e"}
