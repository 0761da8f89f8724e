"""Filter rules, measured against rsync itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.sync.filters import Filters, Rule, filters_of, rules_of_file
from hostpool.tasks.local import Scan
from hostpool.worker.scan import scan

NAMES = ("a", "b", "ab", "a.c", "b]", "x[1]", "a*b", "back\\slash", "-dash")
TREE = [
    "a", "b/", "b/a", "b/ab", "b/a.c", "b/b/", "b/b/a", "b/b/a.c", "b/b/b/", "b/b/b/ab", "ab/", "ab/a",
    "ab/b", "a.c", "x[1]", "x1", "b]", "a*b", "back\\slash", "-dash", "deep/", "deep/a/", "deep/a/b/",
    "deep/a/b/a.c", "deep/a/x1", "é", ".hidden",
]  # fmt: skip

needs_rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync, the measure")


@pytest.fixture(scope="module")
def source() -> Path:
    top = Path(tempfile.mkdtemp()) / "src"
    top.mkdir()
    for name in TREE:
        if name.endswith("/"):
            (top / name).mkdir()
        else:
            (top / name).touch()
    return top


def ours(source: Path, rules: list[tuple[str, str]], contents: bool) -> set[str]:
    path = f"{source}/" if contents else str(source)
    tree = scan(Scan(key="k", paths=(path,), filters=filters_of(rules)))
    return {os.fsdecode(path) for path in tree.paths} - {"."}


def theirs(source: Path, rules: list[tuple[str, str]], contents: bool) -> set[str]:
    words = [f"--{kind}={pattern}" for kind, pattern in rules]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            ["rsync", "-a", "--dry-run", "--out-format=%n", *words, f"{source}{'/' * contents}", f"{empty}/"],
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    # rsync escapes a backslash that could begin an escape of its own: \#134
    return {line.rstrip("/").replace("\\#134", "\\") for line in lines} - {".", ""}


PIECES = st.sampled_from(
    [*NAMES, "*", "**", "?", "a*", "*b", "*.c", "[ab]", "[!a]", "[^b]", "[a-c]*", "[[:alpha:]]", "\\a",
      "\\*", "deep", "***", "[]]", "[b"]
)  # fmt: skip


@st.composite
def patterns(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(PIECES, min_size=1, max_size=3)))
    start = draw(st.sampled_from(["", "", "/"]))
    end = draw(st.sampled_from(["", "", "/", "/***"]))
    return start + body + end


RULES = st.lists(
    st.tuples(st.sampled_from(["exclude", "exclude", "include"]), patterns()), min_size=1, max_size=4
)


@needs_rsync
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=RULES, contents=st.booleans())
def test_as_rsync_has_it(source: Path, rules: list[tuple[str, str]], contents: bool) -> None:
    assert ours(source, rules, contents) == theirs(source, rules, contents)


@needs_rsync
@pytest.mark.parametrize(
    "rules",
    [
        [("include", "*/"), ("include", "*.c"), ("exclude", "*")],
        [("exclude", "/b")],
        [("exclude", "b/")],
        [("exclude", "b/a")],
        [("exclude", "b/**/a.c")],
        [("exclude", "**/b/a")],
        [("include", "deep/***"), ("exclude", "*")],
        [("exclude", "/deep/a/b")],
        [("exclude", "back\\slash")],
        [("exclude", "back\\\\s*")],
        [("exclude", "a\\*b")],
        [("exclude", "[x]*")],
    ],
    ids=str,
)
@pytest.mark.parametrize("contents", [True, False])
def test_patterns_of_everyday(source: Path, rules: list[tuple[str, str]], contents: bool) -> None:
    assert ours(source, rules, contents) == theirs(source, rules, contents)


def test_rules_of_a_file() -> None:
    lines = [b"# comment\n", b"\n", b"*.o\r\n", b"+ keep\n", b"- drop\n", b"; too\n", b"!\n", b"last"]
    assert rules_of_file(lines) == [Rule(b"last", False)]
    assert rules_of_file(lines[:6]) == [Rule(b"*.o", False), Rule(b"keep", True), Rule(b"drop", False)]


def test_below_what_is_excluded_nothing_is_seen() -> None:
    filters = Filters((Rule(b"/cache/", False), Rule(b"keep", True)))
    assert filters.hides(b"cache/keep", False) and filters.hides(b"cache/x/keep", False)
    assert not filters.hides(b"other/cache/keep", False)
    assert not Filters().hides(b"anything", True)
