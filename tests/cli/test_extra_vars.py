"""The three spellings of -e."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.cli.extra_vars import parse
from hostpool.errors import HostpoolError, Problems, UsageError


def test_words_json_and_files_later_ones_win(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("a: 3\nlist: [1, 2]\nansible_password: from a file\n")
    assert parse(["a=1 b='two words'"]) == {"a": "1", "b": "two words"}
    assert parse(['{"a": {"b": [1]}}']) == {"a": {"b": [1]}}
    assert parse(["a=1", f"@{file}"]) == {"a": 3, "list": [1, 2], "ansible_password": "from a file"}
    assert parse([f"@{file}", "a=1"])["a"] == "1"


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True), st.integers() | st.text()))
def test_json_comes_back_as_it_was(variables: dict[str, int | str]) -> None:
    assert parse([json.dumps(variables)]) == variables


@given(st.text(max_size=20).filter(lambda text: not text.startswith("@")))
def test_anything_is_variables_or_a_usage_error(text: str) -> None:
    try:
        assert all(isinstance(name, str) for name in parse([text]))
    except UsageError as error:
        assert error.message


@pytest.mark.parametrize("text", ["a", "1a=x", '{"a"', "{}x", "a='x"])
def test_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse([text])


@pytest.mark.parametrize("name", ["ansible_password", "ansible_ssh_pass", "ansible_become_password"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(name: str) -> None:
    for text in (f"{name}=hunter22", json.dumps({name: "hunter22"})):
        with pytest.raises(UsageError) as caught:
            parse([text])
        assert "hunter22" not in f"{caught.value.message} {caught.value.hint}"


def test_files_are_named_when_they_are_wrong(tmp_path: Path) -> None:
    (tmp_path / "list.yml").write_text("- a\n")
    (tmp_path / "broken.yml").write_text("a: b: c\n")
    (tmp_path / "nothing.yml").write_text("")
    assert parse([f"@{tmp_path}/nothing.yml"]) == {}
    for name in ("list.yml", "broken.yml", "absent.yml"):
        with pytest.raises(HostpoolError) as caught:
            parse([f"@{tmp_path}/{name}"])
        assert name in caught.value.where() + caught.value.message
    with pytest.raises(Problems) as several:
        parse(["a", "b"])
    assert len(several.value.errors) == 2
