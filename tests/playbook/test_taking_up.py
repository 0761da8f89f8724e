"""A run taken up where each host stood, played without any host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hostpool.playbook.resume import Left, decoded, encoded
from hostpool.tasks.modules.job import Call
from tests.playbook.support import Host, Played, play, well
from tests.playbook.test_machine import HEAD, tasks

HANDLERS = "  handlers:\n    - {name: first, command: first}\n    - {name: second, command: second}\n"


def failing(*words: str, host: str = "h2") -> Host:
    """These commands fail on that host."""

    def answer(name: str, call: Call) -> Mapping[str, Any]:
        if name == host and call.args.get("_raw") in words:
            return {"changed": True, "failed": True, "rc": 1, "msg": "no", "cmd": "x"}
        return well(name, call)

    return answer


def left_by(played: Played, secrets: tuple[str, ...] = (), **more: Any) -> Left:
    def mask(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "****")
        return text

    return decoded(encoded(played.machine.keeping.left(mask, **more)))


def again(tmp_path: Path, text: str, left: Left, hosts: tuple[str, ...] = ("h2",), **options: Any) -> Played:
    return play(tmp_path, text, only=frozenset(hosts), left=left, **options)


def test_at_the_failed_task_with_pending_handlers(tmp_path: Path) -> None:
    text = tasks(
        """
- command: one
  notify: second
- command: two
  register: said
- set_fact: {kept: "{{ inventory_hostname }}!"}
- command: three
  notify: first
- command: four {{ said.stdout }} {{ kept }}
"""
    )
    first = play(tmp_path, text + HANDLERS, host=failing("three"))
    assert first.ran("h2") == ["one", "two", "three"]
    assert first.ran("h1")[-2:] == ["first", "second"]
    second = again(tmp_path, text + HANDLERS, left_by(first))
    assert second.ran("h2") == ["three", "four two h2!", "first", "second"]
    assert second.ran("h1") == []
    assert second.recap("h2") == {"ok": 4, "changed": 4}
    third = left_by(again(tmp_path, text + HANDLERS, left_by(first), host=failing("first")))
    assert again(tmp_path, text + HANDLERS, third).ran("h2") == ["first", "second"]


BLOCK = """
- block:
    - command: b1
    - command: b2
  rescue:
    - command: r1
    - command: r2
  always:
    - command: a1
- command: after
"""


@pytest.mark.parametrize(
    ("fails", "runs"),
    [
        (("b2", "r2"), ["b1", "b2", "a1", "after"]),
        (("a1",), ["a1", "after"]),
        (("after",), ["after"]),
    ],
)
def test_blocks(tmp_path: Path, fails: tuple[str, ...], runs: list[str]) -> None:
    first = play(tmp_path, tasks(BLOCK), host=failing(*fails))
    assert first.machine.states["h2"].failed
    assert again(tmp_path, tasks(BLOCK), left_by(first)).ran("h2") == runs


def included(tmp_path: Path) -> str:
    (tmp_path / "inc.yml").write_text("- command: i1\n- include_tasks: deep.yml\n- command: i3\n")
    (tmp_path / "deep.yml").write_text("- command: d{{ n }}1\n- command: d{{ n }}2\n")
    return tasks("""
- command: before
- include_tasks: inc.yml
  loop: [1, 2]
  loop_control: {loop_var: n}
- command: after
""")


def test_inside_of_includes(tmp_path: Path) -> None:
    text = included(tmp_path)
    first = play(tmp_path, text, host=failing("d22"))
    assert again(tmp_path, text, left_by(first)).ran("h2") == ["d22", "i3", "after"]


def test_a_playbook_that_changed_goes_by_titles(tmp_path: Path) -> None:
    text = tasks("- name: A\n  command: a\n- name: B\n  command: b\n- name: C\n  command: c")
    first = play(tmp_path, text, host=failing("b"))
    other = tasks("- name: new\n  command: n\n- name: B\n  command: b2\n- name: C\n  command: c")
    assert again(tmp_path, other, left_by(first), exact=False).ran("h2") == ["b2", "c"]
    gone = again(tmp_path, tasks("- name: X\n  command: x"), left_by(first), exact=False)
    assert gone.ran("h2") == []
    assert gone.machine.states["h2"].status == "failed"
    assert "'B'" in gone.machine.states["h2"].why


def test_later_plays_and_what_the_inventory_grew_by(tmp_path: Path) -> None:
    one = tasks("- add_host: {name: extra, groups: more, v: 7}\n- include_vars: vars.yml\n- command: one")
    two = tasks("- command: two {{ hostvars.extra.v }} {{ included | default('-') }}").replace(
        "hosts: all", "hosts: h2,more"
    )
    (tmp_path / "vars.yml").write_text("included: 5\n")
    first = play(tmp_path, one + two, host=failing("two 7 5"))
    second = again(tmp_path, one + two, left_by(first), ("h2", "extra"))
    assert second.ran("h2") == ["two 7 5"]
    assert second.ran("extra") == [], "it was through"


def test_flushed_handlers_and_those_of_included_roles(tmp_path: Path) -> None:
    (tmp_path / "roles/r/handlers").mkdir(parents=True)
    (tmp_path / "roles/r/tasks").mkdir()
    (tmp_path / "roles/r/handlers/main.yml").write_text("- name: hr\n  command: hr\n")
    (tmp_path / "roles/r/tasks/main.yml").write_text("- command: r\n  notify: hr\n")
    text = tasks(
        "- include_role: {name: r}\n- command: x\n  notify: first\n- meta: flush_handlers\n- command: y"
    )
    first = play(tmp_path, text + HANDLERS, host=failing("first"))
    assert first.ran("h2") == ["r", "x", "first"]
    assert again(tmp_path, text + HANDLERS, left_by(first)).ran("h2") == ["first", "hr", "y"]
    stopped = play(tmp_path, text + HANDLERS, host=failing("x"))
    assert again(tmp_path, text + HANDLERS, left_by(stopped)).ran("h2") == ["x", "first", "hr", "y"]


def test_secrets_are_not_kept_and_reading_them_says_so(tmp_path: Path) -> None:
    text = tasks("""
- command: it is hunter22
  register: seen
- command: quiet
  register: unseen
  no_log: true
- command: three
- command: "{{ seen.stdout }}"
  ignore_errors: true
- command: never
  when: unseen is defined
""")
    left = left_by(play(tmp_path, text, host=failing("three")), ("hunter22",))
    assert "hunter22" not in encoded(left).decode()
    assert "quiet" not in encoded(left).decode()
    done = again(tmp_path, text, left)
    assert done.ran("h2") == ["three"]
    told = [str(event.result.get("msg")) for event in done.events if event.status == "failed"]
    assert "seen is not in the history (it held a secret): rerun with --from-start" in told[0]
    assert "unseen is not in the history (its task has no_log)" in told[1]


def test_variables_beyond_the_limit_and_without_output(tmp_path: Path) -> None:
    text = tasks(
        "- command: short\n  register: a\n- command: " + "x" * 70000 + "\n  register: b\n- command: no"
    )
    first = play(tmp_path, text, host=failing("no"))
    assert left_by(first).hosts["h2"].missing == {"b": "the history keeps 64 KiB of variables a host"}
    assert set(left_by(first, output=False).hosts["h2"].missing) == {"a", "b"}


def test_hosts_whose_turn_did_not_come(tmp_path: Path) -> None:
    text = tasks(
        "- command: a\n- command: b",
        HEAD.replace("hosts: all", "hosts: all\n  serial: 1\n  any_errors_fatal: true"),
    )
    two = text + tasks("- command: c")
    first = play(tmp_path, two, host=failing("b"))
    assert first.ran("h3") == []
    second = again(tmp_path, two, left_by(first), ("h1", "h2", "h3"))
    assert second.ran("h1") == ["c"]
    assert second.ran("h2") == ["b", "c"]
    assert second.ran("h3") == ["a", "b", "c"]
