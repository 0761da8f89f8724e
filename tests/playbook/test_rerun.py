"""``hostpool rerun`` of a playbook on real hosts: taken up where each host stood."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.farm import Sshd
from tests.playbook.conftest import ROOT, Ended

Run = Callable[..., Ended]


@pytest.fixture
def start(sshd: Sshd, tmp_path: Path, tmp_home: Path) -> Callable[..., subprocess.Popen[str]]:
    """The program, with its history below the test's own home; plays run on three hosts."""
    inventory = sshd.inventory(3, tmp_path / "hosts.ini")

    def begin(*words: str | Path) -> subprocess.Popen[str]:
        given = [str(word) for word in words]
        if given[0] == "play":
            given[1:1] = ["-i", str(inventory), "-F", "none"]
        return subprocess.Popen(
            [sys.executable, "-m", "hostpool", *given],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    return begin


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[str]]) -> Run:
    def to_the_end(*words: str | Path) -> Ended:
        process = start(*words)
        out, err = process.communicate(timeout=100)
        return Ended(process.returncode, out, err)

    return to_the_end


PLAY = """
- hosts: farm
  gather_facts: false
  vars: {at: "BASE/{{ inventory_hostname }}"}
  tasks:
    - file: {path: "{{ at }}", state: directory}
      notify: Note it
    - command: echo once
      register: said
    - name: Needs the file
      shell: cat BASE/needed-{{ inventory_hostname }} && echo ran >> {{ at }}/ran
    - copy: {dest: "{{ at }}/after", content: "{{ said.stdout }}"}
  handlers:
    - name: Note it
      shell: echo noted >> {{ at }}/noted
"""


def write(tmp_path: Path) -> Path:
    site = tmp_path / "site.yml"
    site.write_text(PLAY.replace("BASE", str(tmp_path)))
    for host in ("h001", "h003"):
        (tmp_path / f"needed-{host}").touch()
    return site


def test_a_failed_play_is_taken_up(run: Run, tmp_path: Path) -> None:
    site = write(tmp_path)
    assert run("play", site).code == 3
    assert not (tmp_path / "h002/noted").exists()
    before = [(tmp_path / f"{host}/noted").stat().st_mtime_ns for host in ("h001", "h003")]
    (tmp_path / "needed-h002").touch()
    again = run("rerun", "--failed", "-o", "json")
    assert again.code == 0, again.err
    recap = again.document["recap"]
    assert list(recap) == ["h002"]
    assert {name: count for name, count in recap["h002"].items() if count} == {"ok": 3, "changed": 3}
    assert (tmp_path / "h002/ran").read_text() == "ran\n"
    assert (tmp_path / "h002/after").read_text() == "once"
    assert (tmp_path / "h002/noted").read_text() == "noted\n"
    assert before == [(tmp_path / f"{host}/noted").stat().st_mtime_ns for host in ("h001", "h003")]


def test_a_playbook_that_changed_is_refused(run: Run, tmp_path: Path) -> None:
    site = write(tmp_path)
    assert run("play", site).code == 3
    site.write_text(site.read_text().replace("cat ", "true ").replace("echo once", "echo twice"))
    refused = run("rerun", "1", "--failed")
    assert refused.code == 2
    assert "site.yml changed since run 1" in refused.err
    assert "--changed-ok" in refused.err
    taken = run("rerun", "1", "--failed", "--changed-ok")
    assert taken.code == 0, taken.err
    assert (tmp_path / "h002/after").read_text() == "once", "what was registered then"
    assert run("rerun", "1", "--failed", "--changed-ok", "--from-start").code == 0
    assert (tmp_path / "h002/after").read_text() == "twice"


SLOW = """
- hosts: farm
  gather_facts: false
  tasks:
    - name: Wait
      shell: touch BASE/began-{{ inventory_hostname }}; while ! [ -e BASE/go ]; do sleep 0.1; done
    - name: Then
      shell: echo then >> BASE/then-{{ inventory_hostname }}
"""
HOSTS = ("h001", "h002", "h003")


def begun(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    while not all((tmp_path / f"began-{host}").exists() for host in HOSTS):
        assert process.poll() is None
        time.sleep(0.05)


def interrupt(process: subprocess.Popen[str]) -> None:
    """A first Ctrl-C, and that it was heard: two at once would be one."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "interrupted" not in process.stderr.readline():
        assert process.poll() is None


def slow_site(tmp_path: Path) -> Path:
    site = tmp_path / "site.yml"
    site.write_text(SLOW.replace("BASE", str(tmp_path)))
    return site


def all_cancelled(process: subprocess.Popen[str], run: Run) -> Any:
    """The interrupted run ends and says so of every host; what the history has of it."""
    err = process.communicate(timeout=100)[1]
    assert process.returncode == 130, err
    ended = run("show", "1", "-o", "json").document
    statuses = {host: each["status"] for host, each in ended["hosts"].items()}
    assert statuses == dict.fromkeys(HOSTS, "cancelled")
    return ended


def test_ctrl_c_lets_running_tasks_finish_and_the_rest_can_be_done_later(
    start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path
) -> None:
    site = slow_site(tmp_path)
    process = start("play", site, "-o", "plain")
    begun(tmp_path, process)
    interrupt(process)
    (tmp_path / "go").touch()
    ended = all_cancelled(process, run)
    (play,) = ended["plays"]
    assert [task["task"] for task in play["tasks"]] == ["Wait"]
    assert all(play["tasks"][0]["hosts"][host]["status"] == "changed" for host in HOSTS)
    again = run("rerun", "--lost", "-o", "json")
    assert again.code == 0, again.err
    assert [task["task"] for task in again.document["plays"][0]["tasks"]] == ["Then"]


def test_a_second_ctrl_c_ends_them_and_a_kill_leaves_the_history_readable(
    start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path
) -> None:
    site = slow_site(tmp_path)
    process = start("play", site, "-o", "plain")
    begun(tmp_path, process)
    interrupt(process)
    process.send_signal(signal.SIGINT)
    all_cancelled(process, run)

    for host in HOSTS:
        (tmp_path / f"began-{host}").unlink()
    process = start("play", site, "-o", "plain")
    begun(tmp_path, process)
    process.kill()
    process.communicate(timeout=100)
    shown = run("show", "-o", "json").document
    assert {host: each["status"] for host, each in shown["hosts"].items()} == dict.fromkeys(HOSTS, "lost")
    (tmp_path / "go").touch()
    again = run("rerun", "--lost", "-o", "json")
    assert again.code == 0, again.err
    assert [task["task"] for task in again.document["plays"][0]["tasks"]] == ["Wait", "Then"], (
        "from the start"
    )
