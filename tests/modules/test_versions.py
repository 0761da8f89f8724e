"""Versions of packages compare as the package managers' own tools have it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from hostpool.tasks.modules import debian_versions, pep440, rpm_versions

versions = st.from_regex(r"([0-9]:)?[0-9][0-9a-z.+~]{0,5}(-[0-9a-z.+~]{1,4})?", fullmatch=True)


@given(versions, versions)
@settings(max_examples=60, deadline=None)
def test_versions_of_debian_as_dpkg_has_them(one: str, other: str) -> None:
    compared = debian_versions.compare(one, other)
    word = "lt" if compared < 0 else "gt" if compared > 0 else "eq"
    subprocess.run(["dpkg", "--compare-versions", one, word, other], check=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.1"), ("1.9", "1.10"), ("1.0~rc1", "1.0"), ("1.0", "1.0^git1"), ("1.0^git1", "1.0.1"),
        ("1.0a", "1.0b"), ("1.a", "1.1"), ("2", "1:1"), ("1.0-1", "1.0-2"), ("1.0-9.el9", "1.0-10.el9"),
        ("1.0~rc1^git1", "1.0"), ("5.5p1", "5.5p2"), ("1.0", "1.0a"),
    ],
)  # fmt: skip
def test_versions_of_rpm(older: str, newer: str) -> None:
    """The examples of rpm-version(7) and of rpm's own tests."""
    assert rpm_versions.compare(older, newer) < 0 < rpm_versions.compare(newer, older)
    assert rpm_versions.holds(newer, ">=", older)
    assert not rpm_versions.holds(older, ">", newer)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1.00"), ("1.0", "0:1.0"), ("1.0", "1.0-3"), ("1_0", "1.0")]
)
def test_versions_of_rpm_that_are_equal(one: str, other: str) -> None:
    assert rpm_versions.compare(one, other) == 0
    assert rpm_versions.holds(one, "<=", other)


python_versions = st.from_regex(
    r"([01]!)?[0-3](\.[0-3]){0,2}((a|b|rc|\.?alpha|c|-pre)[0-2]?)?(\.post[0-2]|-[01]|\.r1)?(\.dev[0-2])?"
    r"(\+[ab1](\.[0-2])?)?",
    fullmatch=True,
)


@given(python_versions, python_versions)
@settings(max_examples=60, deadline=None)
def test_versions_of_python_packages_in_order(one: str, other: str) -> None:
    first, second = pep440.version(one), pep440.version(other)
    assert first is not None
    assert second is not None
    assert (first.key < second.key) is (Version(one) < Version(other))
    assert (first.key == second.key) is (Version(one) == Version(other))


@given(
    python_versions,
    st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==*", "!=*"]),
    python_versions,
)
@settings(max_examples=100, deadline=None)
def test_what_a_requirement_takes(installed: str, operator: str, limit: str) -> None:
    clause = operator.rstrip("*") + limit + ("*" if operator.endswith("*") else "").replace("*", ".*")
    try:
        wanted = SpecifierSet(clause).contains(installed, prereleases=True)
    except InvalidSpecifier:
        return
    found = pep440.requirement(f"some{clause}")
    assert found is not None
    assert found.holds(installed) is wanted


@pytest.mark.parametrize("text", ["Django>1.11.0,<1.12.0", "a_b[x,w]==1", "a", "foo ~= 1.0", "x (>=2)"])
def test_a_requirement_is_shown_as_pip_has_it(text: str) -> None:
    found = pep440.requirement(text)
    assert found is not None
    assert found.shown == str(Requirement(text))


@pytest.mark.parametrize(
    "text", ["./here", "git+https://example.com/x", "x @ https://y", "x; os_name == 'a'", "-e x"]
)
def test_what_a_list_cannot_answer_is_no_requirement(text: str) -> None:
    assert pep440.requirement(text) is None
