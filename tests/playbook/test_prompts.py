"""What a playbook asks of a person: at a terminal, and without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships no types

from tests.playbook.conftest import ROOT

ASKS = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars_prompt:
    - {name: who, prompt: Who are you, private: false, default: nobody}
    - {name: word, confirm: true}
  tasks:
    - debug: msg="{{ who }} said {{ word }}"
    - pause: {prompt: Go on?}
      register: answer
    - debug: msg="{{ answer.user_input }} it is"
"""


def command(tmp_path: Path, text: str, *words: str) -> list[str]:
    (tmp_path / "site.yml").write_text(text)
    start = [sys.executable, "-m", "hostpool", "play", "-i", "localhost,", str(tmp_path / "site.yml")]
    return [*start, *words]


def test_at_a_terminal(tmp_path: Path, tmp_home: Path) -> None:
    first, *rest = command(tmp_path, ASKS, "-o", "plain")
    child = pexpect.spawn(
        first, rest, env={**os.environ, "PYTHONPATH": str(ROOT)}, encoding="utf-8", timeout=60,
        dimensions=(40, 200),
    )  # fmt: skip
    child.expect(r"Who are you \[nobody\]: ")
    child.sendline("")
    child.expect("word: ")
    child.sendline("hidden-word")
    child.expect("confirm word: ")
    child.sendline("other")
    child.expect("word: ")
    child.sendline("hidden-word")
    child.expect("confirm word: ")
    child.sendline("hidden-word")
    child.expect("Go on")
    assert "hidden-word" not in child.before, "a private answer is masked"
    assert "nobody said" in child.before
    child.sendline("yes, on")
    child.expect("yes, on it is")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def without_a_terminal(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, capture_output=True, text=True, check=False, start_new_session=True, timeout=100,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_without_a_terminal(tmp_path: Path, tmp_home: Path) -> None:
    paused = without_a_terminal(command(tmp_path, ASKS, "-e", "word=x"))
    assert paused.returncode == 2
    assert "a pause without seconds waits for a key, and nobody is at a terminal" in paused.stderr
    text = ASKS.replace("pause: {prompt: Go on?}", "pause: {prompt: Go on?, seconds: 0}").replace(
        "{{ answer.user_input }}", "{{ answer.stdout }}"
    )
    asked = without_a_terminal(command(tmp_path, text))
    assert asked.returncode == 2
    assert "the play asks for word, and nobody is at a terminal" in asked.stderr
    assert "-e word=VALUE" in asked.stderr
    given = without_a_terminal(command(tmp_path, text, "-e", "word=given", "-o", "plain"))
    assert given.returncode == 0, given.stderr
    assert "nobody said given" in given.stdout + given.stderr
