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


@pytest.mark.parametrize("become", [False, pytest.param(True, marks=pytest.mark.needs_root)])
def test_a_task_that_changes_nothing_takes_one(play: Play, sshd: Sshd, tmp_path: Path, become: bool) -> None:
    tasks = TASKS.format(top=tmp_path / "top")
    (tmp_path / "conf.j2").write_text("host={{ inventory_hostname }}\n")
    with Trips(sshd.address, sshd.port, delay=0.01) as relay:
        words = ["-e", f"ansible_host=127.0.0.1 ansible_port={relay.port}", "--host-keys", "off"]
        if become:
            words.append("-b")

        def trips(times: int) -> int:
            """The fewest that a play with so many times these tasks took."""
            book = tmp_path / "site.yml"
            book.write_text(HEAD + tasks * times)
            found = []
            for _ in range(2):
                before = relay.trips
                ended = play(book, *words)
                assert ended.code == 0, ended.out + ended.err
                found.append(relay.trips - before)
            assert ended.changed("h001") == 0
            return min(found)

        few, many = trips(1), trips(2)
    assert (many - few) / COUNT <= 1
