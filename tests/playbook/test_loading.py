"""What is wrong with a playbook is found before it runs: all of it, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import HostpoolError, PlaybookError, Problems
from hostpool.playbook.arguments import parse
from hostpool.playbook.load import Loader
from hostpool.playbook.model import Playbook
from hostpool.playbook.problems import NOT_SUPPORTED
from hostpool.tasks.modules.registry import specs

HEAD = "- hosts: all\n  tasks:\n"


def load(tmp_path: Path, text: str, name: str = "site.yml") -> Playbook:
    path = tmp_path / name
    path.write_text(text)
    return Loader(specs()).load([path])


def problems(tmp_path: Path, text: str) -> list[HostpoolError]:
    try:
        load(tmp_path, text)
    except Problems as found:
        return list(found.errors)
    except PlaybookError as error:
        return [error]
    return []


@pytest.mark.parametrize(
    ("task", "line", "column", "words", "hint"),
    [
        ("- coppy: {src: a}", 3, 7, "module 'coppy': not supported", "copy"),
        ("- copy: {srk: a, dest: b}", 3, 14, "parameter of copy 'srk'", "src"),
        ("- command: ls\n      whn: x", 4, 7, "keyword of a task 'whn'", "when"),
        ("- debug: msg='{{ x | uper }}'", 3, 14, "filter 'uper'", "upper"),
        ('- debug: {msg: "{{ x | vault }}"}', 3, 20, "filter 'vault': not supported", "ansible-vault"),
        ('- debug: {msg: "{{ x | some.where.it }}"}', 3, 20, "filter 'some.where.it': not supported", None),
        ("- include_tasks: {file: '{{ x }}', apply: {whne: x}}", 3, 48, "keyword of apply 'whne'", "when"),
        ("- ping:\n      debugger: always", 4, 7, "a debugger: not supported", "-v"),
        ("- ping:\n      collections: [a.b]", 4, 7, "keyword 'collections': not supported", "full name"),
        ("- ping:\n      module_defaults: {group/k8s: {}}", 4, 25, "defaults for the group/k8s", "each"),
        ("- ping:\n      module_defaults: {ping: {dota: x}}", 4, 31, "parameter of ping 'dota'", "data"),
        ("- ping:\n      tags: '{{ unknown }}'", 4, 13, "a tag: ", "-e and play variables"),
        ("- command: ls\n      when: x is vershun('1')", 4, 13, "test 'vershun'", "version"),
        ("- debug: msg=\"{{ lookup('fle', 'x') }}\"", 3, 14, "lookup 'fle'", "file"),
        ('- debug: msg="{{ x "', 3, 14, "is missing at the end", None),
        ('- command: ls\n      when: "{{ a }} and b"', 4, 13, "not supported", "leave {{ }} out"),
        ("- file: path=/x state=here", 3, 13, "state must be one of", None),
        ("- file: state=absent", 3, 13, "needs the parameter 'path'", None),
        ("- command: ls\n      command: rm", 4, 7, "duplicate key", None),
        ("- copy: src=a dest=b\n      async: 10", 4, 7, "copy with async: not supported", None),
        ("- file: path=a\n      async: 10\n      poll: 0", 5, 7, "file with poll: 0: not supported", None),
        ("- command: ls\n      async: soon", 4, 7, "async is a number of seconds, not 'soon'", None),
        ("- include_tasks: nope.yml", 3, 7, "no file nope.yml", None),
        ("- import_tasks: nope.yml", 3, 7, "no file nope.yml", None),
        ("- include_role: {name: nope}", 3, 7, "no role 'nope'", None),
        ("- command: ls\n      with_filetree: x", 4, 7, "with_filetree: not supported", None),
        ("- command: ls\n      register: 'a b'", 4, 17, "variable's name", None),
        ("- command: 'ls \"x'", 3, 16, "is missing at the end", None),
        ("- include_role: {name: '{{ x }}', allow_duplicates: no}", 3, 7, "allow_duplicates", None),
        ("- rescue: []", 3, 7, "belong to a block", None),
        ("- name: nothing", 3, 7, "no module", None),
        ("- wait_for: {port: many}", 3, 17, "must be a number", None),
        ("- meta: end_everything", 3, 13, "action must be one of", None),
        ("- command: ls\n      notify: nobody", 3, 7, "unknown handler 'nobody'", None),
        ("- foo.bar.baz: {}", 3, 7, "module 'foo.bar.baz': not supported", None),
    ],
)
def test_each_problem_has_its_place(
    tmp_path: Path, task: str, line: int, column: int, words: str, hint: str | None
) -> None:
    found = problems(tmp_path, f"{HEAD}    {task}\n")
    assert len(found) == 1, found
    assert words in found[0].message
    assert (found[0].line, found[0].column) == (line, column)
    assert found[0].source is not None
    if hint is not None:
        assert hint in str(found[0].hint)


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "inc.yml").write_text('- coppy: {}\n- debug: {msg: "{{ a | uper }}"}\n')
    (tmp_path / "roles/r/tasks").mkdir(parents=True)
    (tmp_path / "roles/r/tasks/main.yml").write_text("- shel: ls\n")
    found = problems(
        tmp_path, "- hosts: all\n  rolez: []\n  roles: [r]\n  tasks:\n    - include_tasks: inc.yml\n"
    )
    assert sorted(Path(str(error.file)).name for error in found) == [
        "inc.yml",
        "inc.yml",
        "main.yml",
        "site.yml",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- hosts: all\n\ttasks: []\n", "tab"),
        ("hosts: all\n", "list of plays"),
        ("- tasks: []\n", "names no hosts"),
        ("", "empty"),
        ("- hosts: all\n  strategy: debug\n", "not supported"),
        ("- hosts: all\n  vars_prompt: [{prompt: who?}]\n", "needs the name"),
        ("- hosts: all\n  vars_prompt: [{name: a, privat: no}]\n", "keyword of vars_prompt 'privat'"),
        ("- import_playbook: site.yml\n", "imports itself"),
        ("- import_playbook: other.yml\n", "cannot be read"),
        ("- hosts: all\n  become: perhaps\n", "yes or no"),
    ],
)
def test_plays(tmp_path: Path, text: str, words: str) -> None:
    assert any(words in error.message for error in problems(tmp_path, text))


def test_an_include_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("- import_tasks: b.yml\n")
    (tmp_path / "b.yml").write_text("- import_tasks: a.yml\n")
    found = problems(tmp_path, f"{HEAD}    - import_tasks: a.yml\n")
    assert any("includes itself" in error.message for error in found)


def test_what_is_not_supported_is_told_apart(tmp_path: Path) -> None:
    found = problems(
        tmp_path, f"{HEAD}    - docker_container: {{}}\n    - copy: {{srk: a, dest: b, content: c}}\n"
    )
    assert [error.kind == NOT_SUPPORTED for error in found] == [True, False]


@pytest.mark.parametrize(
    ("text", "given", "rest"),
    [
        ("src=a dest='b c'", {"src": "a", "dest": "b c"}, ""),
        ("ls -l chdir=/tmp x=1", {"chdir": "/tmp"}, "ls -l x=1"),
        ("echo '{{ a b }}' creates={{ c | d }}", {"creates": "{{ c | d }}"}, "echo '{{ a b }}'"),
        ('echo "a  b"  c', {}, 'echo "a  b"  c'),
        ("echo {{ '{{.Id}}' }} x", {}, "echo {{ '{{.Id}}' }} x"),
        ('msg="a\\nb"', {"msg": "a\nb"}, ""),
    ],
)
def test_arguments_in_one_text(text: str, given: dict[str, str], rest: str) -> None:
    only = frozenset({"chdir", "creates"}) if "ls" in text or "echo" in text else None
    assert parse(text, only) == (given, rest)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,5}", fullmatch=True), st.text("ab '=.{}", max_size=6), max_size=3
    )
)
@settings(max_examples=60, deadline=None)
def test_what_is_quoted_comes_back(pairs: dict[str, str]) -> None:
    usable = {key: value for key, value in pairs.items() if '"' not in value and "{" not in value}
    text = " ".join(f'{key}="{value}"' for key, value in usable.items())
    assert parse(text) == (usable, "")


def test_a_vault_is_read(tmp_path: Path) -> None:
    from hostpool.playbook.vault import VaultError, decrypt
    from hostpool.secrets import Secret
    from tests.playbook.vaults import encrypted

    text = encrypted(b"s3cret: value", "word")
    assert decrypt(text, [Secret("wrong"), Secret("word")]) == b"s3cret: value"
    with pytest.raises(VaultError, match="fits"):
        decrypt(text, [Secret("wrong")])
    value = encrypted(b"hidden words", "word")
    indented = "".join(f"          {line}\n" for line in value.splitlines())
    path = tmp_path / "site.yml"
    path.write_text(f"- hosts: all\n  vars:\n      x: !vault |\n{indented}  tasks: []\n")
    loader = Loader(specs(), passwords=[Secret("word")])
    assert loader.load([path]).plays[0].vars["x"] == "hidden words"
    assert loader.files.secrets == ["hidden words"]
    with pytest.raises(PlaybookError, match="no vault password"):
        Loader(specs()).load([path])


def test_the_checks_as_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from hostpool.cli.app import main

    (tmp_path / "site.yml").write_text(f"{HEAD}    - coppy: {{}}\n    - ping:\n    - command: ls\n")
    assert main(["play", str(tmp_path / "site.yml"), "--syntax-check", "-o", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["plays"], told["tasks"], told["supported"]) == (1, 3, 2)
    assert told["unsupported"] == [
        {"file": str(tmp_path / "site.yml"), "line": 3, "what": "the module 'coppy'"}
    ]
