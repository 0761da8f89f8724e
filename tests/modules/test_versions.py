"""Versions of packages compare as the package managers' own tools have it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.tasks.modules import debian_versions, rpm_versions

versions = st.from_regex(r"([0-9]:)?[0-9][0-9a-z.+~]{0,5}(-[0-9a-z.+~]{1,4})?", fullmatch=True)


@given(versions, versions)
@settings(max_examples=150, deadline=None)
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
