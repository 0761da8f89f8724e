"""Playbooks on real sshd hosts: what -C foretells happens, a second run changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.farm import Sshd
from tests.farm.proxy import Proxy
from tests.playbook.conftest import Ended, Play

TASKS = """
    - file: {path: "{{ base }}/a/b", state: directory, mode: "0750"}
    - copy: {content: "hello\\n", dest: "{{ base }}/hello", mode: "0600"}
    - template: {src: t.j2, dest: "{{ base }}/t"}
    - lineinfile: {path: "{{ base }}/line", line: "x=1", create: true}
    - lineinfile: {path: "{{ base }}/line", regexp: "^x=", line: "x=1"}
    - file: {path: "{{ base }}/link", src: hello, state: link, force: true}
    - file: {path: "{{ base }}/{{ item }}", state: directory}
      loop: [one, two]
    - file: {path: "{{ base }}/gone", state: absent}
    - command: touch {{ base }}/made
      args: {creates: "{{ base }}/made"}
    - ping:
"""


def write(tmp_path: Path, tasks: str, **more: str) -> Path:
    path = tmp_path / "site.yml"
    head = "- hosts: farm\n  gather_facts: false\n  vars:\n"
    head += f"    base: {tmp_path}/at-{{{{ inventory_hostname }}}}\n"
    path.write_text(head + "".join(f"  {k}: {v}\n" for k, v in more.items()) + "  tasks:\n" + tasks)
    return path


def statuses(ended: Ended, host: str) -> list[tuple[str, str]]:
    return [
        (task["task"], task["hosts"][host]["status"])
        for each in ended.document["plays"]
        for task in each["tasks"]
        if host in task["hosts"]
    ]


def test_check_foretells_the_first_run_and_the_second_changes_nothing(play: Play, tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("for {{ inventory_hostname }}\n")
    for host in ("h001", "h002"):
        (tmp_path / f"at-{host}").mkdir()
        (tmp_path / f"at-{host}" / "gone").write_text("x")
        (tmp_path / f"at-{host}" / "line").write_text("")
    path = write(tmp_path, TASKS)
    foretold = play(path, "-C", "-D")
    assert foretold.code == 0, foretold.err
    assert not (tmp_path / "at-h001" / "hello").exists()
    first = play(path, "-D")
    assert first.code == 0, first.err
    # What one task makes the next one finds: only there check mode cannot know.
    same = [
        (a, b) for a, b in zip(statuses(foretold, "h001"), statuses(first, "h001"), strict=True) if a != b
    ]
    assert [pair[0][0] for pair in same] in ([], ["lineinfile"])
    assert first.changed("h001") == 8
    assert (tmp_path / "at-h001" / "t").read_text() == "for h001\n"
    second = play(path)
    assert second.changed("h001") == 0, statuses(second, "h001")
    assert second.changed("h002") == 0


def test_what_a_killed_write_left_goes_with_a_later_one(play: Play, tmp_path: Path) -> None:
    import os

    place = tmp_path / "at-h001"
    place.mkdir()
    old, young, alike, link = (
        place / name
        for name in (
            ".x.0123456789ab.hostpool.77",
            ".y.0123456789ab.hostpool.78",
            ".z.0123456789ab.hostpool.7x",
            ".l.0123456789ab.hostpool.79",
        )
    )
    for path in (old, young, alike):
        path.write_text("half")
    link.symlink_to(alike)
    for path in (old, alike):
        os.utime(path, (1, 1))
    site = write(tmp_path, "    - copy: {content: new, dest: '{{ base }}/file'}\n")
    assert play(site, "-l", "h001").code == 0
    assert sorted(place.iterdir()) == sorted([young, alike, link, place / "file"])


def test_diffs_are_folded_over_hosts(play: Play, tmp_path: Path) -> None:
    path = write(
        tmp_path, "    - copy: {content: 'new', dest: '/tmp/hostpool-nowhere-{{ item }}'}\n      loop: [1]\n"
    )
    told = play(path, "-C", "-D", "-o", "plain").err
    assert told.count("+new") == 1
    assert "h[001-002] (2) changed" in told


def test_no_log_hides_a_diff(play: Play, tmp_path: Path) -> None:
    task = "    - copy: {content: 'unspeakable', dest: /tmp/hostpool-nowhere}\n      no_log: true\n"
    ended = play(write(tmp_path, task), "-C", "-D", "-o", "plain")
    assert "(2) changed" in ended.err and "unspeakable" not in ended.err + ended.out
    assert "unspeakable" not in play(write(tmp_path, task), "-C", "-D", "-o", "jsonl").out


def test_a_failure_is_told_and_counted(play: Play, tmp_path: Path) -> None:
    path = write(tmp_path, "    - command: sh -c 'echo why >&2; exit 3'\n    - debug: msg=never\n")
    ended = play(path)
    assert ended.code == 3
    document = ended.document
    assert document["counts"]["failed"] == 2
    assert document["recap"]["h001"]["failed"] == 1
    told = document["plays"][0]["tasks"][0]["hosts"]["h001"]["result"]
    assert (told["rc"], told["stderr"], told["cmd"]) == (3, "why", ["sh", "-c", "echo why >&2; exit 3"])
    assert {"start", "end", "delta", "stdout_lines"} <= set(told)


def test_unreachable_hosts(play: Play, tmp_path: Path) -> None:
    path = write(tmp_path, "    - ping:\n")
    ended = play(path, "-e", "ansible_port=1")
    assert ended.code == 4
    assert ended.document["recap"]["h001"]["unreachable"] == 1


def test_another_user_for_one_task(play: Play, tmp_path: Path) -> None:
    import os

    if os.geteuid():
        pytest.skip("needs root, not run here")
    tasks = ("    - command: id -un\n      register: me\n    - command: id -un\n      register: other\n"
             "      become: true\n      become_user: nobody\n"
             "    - assert: {that: [\"me.stdout == 'root'\", \"other.stdout == 'nobody'\"]}\n")  # fmt: skip
    ended = play(write(tmp_path, tasks))
    assert ended.code == 0, ended.out


def test_this_machine_and_other_users_of_the_connection(play: Play, tmp_path: Path) -> None:
    tasks = ("    - command: echo $SSH_CONNECTION\n      register: there\n"
             "    - command: echo $SSH_CONNECTION\n      register: here\n      connection: local\n"
             "    - local_action: command echo here\n      register: action\n      run_once: true\n"
             "    - assert: {that: [\"'127.0' in there.stdout\","
        " \"'$SSH' in here.stdout\", \"action.stdout == 'here'\"]}\n")  # fmt: skip
    ended = play(write(tmp_path, tasks))
    assert ended.code == 0, ended.out


def test_who_only_does_tasks_of_others_is_no_host_of_the_run(play: Play, tmp_path: Path) -> None:
    tasks = "    - command: 'true'\n      delegate_to: localhost\n    - command: 'false'\n"
    ended = play(write(tmp_path, tasks))
    assert ended.code == 3
    assert set(ended.document["hosts"]) == set(ended.document["recap"]) == {"h001", "h002"}
    assert (ended.document["counts"]["failed"], ended.document["counts"]["lost"]) == (2, 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--list-hosts"], ["h001", "h002"]),
        (["--list-tasks"], ["file", "TAGS: []"]),
        (["--list-tags"], ["TASK TAGS"]),
        (["--syntax-check"], ["all of it is supported"]),
    ],
)
def test_lists(play: Play, tmp_path: Path, words: list[str], told: list[str]) -> None:
    ended = play(write(tmp_path, TASKS), *words, "-o", "plain")
    assert ended.code == 0, ended.err
    assert all(word in ended.out for word in told)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["-l", "nobody"], 2, "nobody"),
        (["-t", "x", "--start-at-task", "none"], 2, "no task is called"),
        (["-e", "x="], 0, ""),
    ],
)
def test_refusals(play: Play, tmp_path: Path, words: list[str], code: int, told: str) -> None:
    ended = play(write(tmp_path, "    - ping:\n"), *words)
    assert ended.code == code, ended.err
    assert told in ended.err


def test_facts_of_a_real_host(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text(
        "- hosts: h001\n  tasks:\n    - setup:\n      register: all\n    - debug: {var: all.ansible_facts}\n"
    )
    document = play(path).document
    facts: dict[str, Any] = document["plays"][0]["tasks"][1]["hosts"]["h001"]["result"]["ansible_facts"]
    for name in ("distribution", "os_family", "hostname", "kernel", "user_id", "date_time", "mounts", "env"):
        assert facts[f"ansible_{name}"], name
    assert document["recap"]["h001"]["ok"] == 3


def test_a_task_has_its_own_time_limit(play: Play, tmp_path: Path) -> None:
    tasks = "    - command: sleep 100\n      timeout: 1\n      ignore_errors: true\n    - ping:\n"
    ended = play(write(tmp_path, tasks), "-l", "h001")
    assert ended.code == 0, ended.out
    assert ended.document["recap"]["h001"]["ignored"] == 1
    assert ended.document["hosts"]["h001"]["duration"] < 60


def test_a_connection_that_breaks_while_a_loop_is_asked_about(play: Play, sshd: Sshd, tmp_path: Path) -> None:
    tasks = (
        '    - file: {path: "{{ base }}/{{ item }}", state: directory, mode: "0750"}\n'
        '      loop: "{{ range(60) | list }}"\n    - ping:\n'
    )
    book = write(tmp_path, tasks)
    words = ("-l", "h001", "--host-keys", "off")
    with Proxy(sshd.address, sshd.port) as relay:
        assert play(book, *words, "-e", f"ansible_host=127.0.0.1 ansible_port={relay.port}").code == 0
        before = relay.down
        again = play(book, *words, "-e", f"ansible_host=127.0.0.1 ansible_port={relay.port}")
        assert again.changed("h001") == 0
        all_of_it = relay.down - before
    with Proxy(sshd.address, sshd.port, cut_down=all_of_it - 4000) as relay:
        ended = play(book, *words, "-e", f"ansible_host=127.0.0.1 ansible_port={relay.port}")
    assert ended.code == 4, ended.out
    counts = ended.document["recap"]["h001"]
    assert (counts["ok"], counts["unreachable"], counts["failed"]) == (0, 1, 0)
    assert ended.document["hosts"]["h001"]["duration"] < 30
