"""How often a playbook that changes nothing waits for a host on a slow link: once a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.farm import Sshd
from tests.farm.trips import Trips
from tests.playbook.conftest import Play

HEAD = """
- hosts: h001
  gather_facts: false
  tasks:
"""
TASKS = """
    - file: {{path: {top}, state: directory, mode: "0755"}}
    - copy: {{content: "same on all\\n", dest: "{top}/copied", mode: "0644"}}
    - template: {{src: conf.j2, dest: "{top}/conf", mode: "0600"}}
    - stat: {{path: "{top}/conf"}}
    - lineinfile: {{path: "{top}/conf", regexp: "^host=", line: "host=h001"}}
    - blockinfile: {{path: "{top}/copied", state: absent}}
    - file: {{path: "{top}/nothing", state: absent}}
    - file: {{path: "{top}/{{{{ item }}}}", state: directory}}
      loop: "{{{{ range(30) | list }}}}"
"""
COUNT = 8


COMMANDS = """
    - command: uname -n
      changed_when: false
    - shell: echo "$HOME" | wc -c
      changed_when: false
"""


def trips(play: Play, relay: Trips, tmp_path: Path, tasks: str, *words: str) -> int:
    """The fewest that a play with these tasks took."""
    book = tmp_path / "site.yml"
    book.write_text(HEAD + tasks)
    found = []
    for _ in range(2):
        before = relay.trips
        there = f"ansible_host=127.0.0.1 ansible_port={relay.port}"
        ended = play(book, "-e", there, "--host-keys", "off", *words)
        assert ended.code == 0, ended.out + ended.err
        found.append(relay.trips - before)
    assert ended.changed("h001") == 0
    return min(found)


@pytest.mark.parametrize("become", [False, pytest.param(True, marks=pytest.mark.needs_root)])
def test_a_task_that_changes_nothing_takes_one(play: Play, sshd: Sshd, tmp_path: Path, become: bool) -> None:
    tasks = TASKS.format(top=tmp_path / "top")
    (tmp_path / "conf.j2").write_text("host={{ inventory_hostname }}\n")
    words = ["-b"] if become else []
    with Trips(sshd.address, sshd.port, delay=0.01) as relay:
        few, many = (trips(play, relay, tmp_path, tasks * times, *words) for times in (1, 2))
    assert (many - few) / COUNT <= 1


def test_a_command_takes_one(play: Play, sshd: Sshd, tmp_path: Path) -> None:
    with Trips(sshd.address, sshd.port, delay=0.01) as relay:
        few, many = (trips(play, relay, tmp_path, COMMANDS * times) for times in (1, 3))
    assert (many - few) / 4 <= 1
