"""What a playbook asks of a person: at a terminal, and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
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


TIMED = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: drained
      pause: {prompt: "Drain \\e[31mit\\nthen {{ what }}", seconds: %s}
      register: waited
    - debug: msg="{{ waited.stdout }} it was"
"""


def test_the_prompt_of_a_pause_with_a_time_is_shown_once(tmp_path: Path, tmp_home: Path) -> None:
    words = command(tmp_path, TIMED % 2, "-e", "what=wait")
    began = time.monotonic()
    plain = without_a_terminal([*words, "-o", "plain"])
    assert time.monotonic() - began >= 2
    assert plain.returncode == 0, plain.stderr
    assert "TASK [drained]\npausing for 2.0 s\n  Drain it\n  then wait\nlocalhost ok\n" in plain.stderr
    assert plain.stderr.count("then wait") == 1
    assert "Paused for 2 seconds it was" in plain.stderr
    lines = [json.loads(line) for line in without_a_terminal([*words, "-o", "jsonl"]).stdout.splitlines()]
    (event,) = [line for line in lines if line["event"] == "pause_started"]
    assert (event["host"], event["seconds"], event["prompt"]) == (
        "localhost", 2.0, "Drain \x1b[31mit\nthen wait",
    )  # fmt: skip


def test_nobody_sees_the_prompt_where_nothing_is_to_be_logged_or_said(tmp_path: Path, tmp_home: Path) -> None:
    words = command(tmp_path, TIMED % 0, "-e", "what=wait", "-q")
    assert "Drain" not in without_a_terminal(words).stderr
    hidden = (TIMED % 0).replace("register:", "no_log: true\n      register:")
    ran = without_a_terminal(command(tmp_path, hidden, "-e", "what=wait", "-o", "plain"))
    assert ran.returncode == 0 and "pausing" in ran.stderr and "Drain" not in ran.stderr


def test_ctrl_c_during_a_pause(tmp_path: Path, tmp_home: Path) -> None:
    """As with everything that runs: the first lets it end, the second ends it."""
    first, *rest = command(tmp_path, TIMED % 300, "-e", "what=wait")
    child = pexpect.spawn(
        first, rest, env={**os.environ, "PYTHONPATH": str(ROOT)}, encoding="utf-8", timeout=60,
        dimensions=(40, 200),
    )  # fmt: skip
    child.expect("then wait")
    child.sendintr()
    child.expect("Ctrl-C again ends them")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


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
