"""The language, played without any host: who does what, in which order, with which counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostpool.playbook.calls import Defaults
from hostpool.playbook.tags import Choice
from tests.playbook.support import play

HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"


def tasks(text: str, head: str = HEAD) -> str:
    """A play of these tasks, given without their indentation."""
    return head + "".join(f"    {line}\n" for line in text.strip("\n").splitlines())


def test_counts_and_registers(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: echo {{ inventory_hostname }}
  register: out
- debug: msg={{ out.stdout_lines[0] }}/{{ out.rc }}/{{ out is changed }}
- command: echo skip
  when: inventory_hostname == 'h2'
- command: fail
  ignore_errors: true
- command: echo x
  changed_when: false
"""),
    )
    assert done.messages("h1")[0] == "echo h1/0/True"
    assert done.recap("h1") == {"ok": 4, "changed": 2, "skipped": 1, "ignored": 1}
    assert done.recap("h2") == {"ok": 5, "changed": 3, "ignored": 1}


def test_a_failed_host_stops_and_the_others_go_on(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks('- command: \'{{ "fail" if inventory_hostname == "h2" else "ok" }}\'\n- command: next'),
    )
    assert done.ran("h2") == ["fail"]
    assert done.ran("h1") == ["ok", "next"]
    assert done.recap("h2") == {"failed": 1}
    assert done.machine.states["h2"].failed


def test_unreachable(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- command: a\n- command: b"), unreachable=["h3"])
    assert done.recap("h3") == {"unreachable": 1}
    assert done.ran("h1") == ["a", "b"]


def test_ignore_unreachable(tmp_path: Path) -> None:
    done = play(
        tmp_path, tasks("- command: a\n  ignore_unreachable: true\n- debug: msg=on"), unreachable=["h3"]
    )
    assert done.messages("h3")[-1] == "on"


def test_block_rescue_always(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- block:
    - command: "{{ 'fail' if inventory_hostname == 'h1' else 'fine' }}"
    - command: rest
  rescue:
    - command: rescue {{ ansible_failed_result.rc }}
  always:
    - command: always
- command: after
"""),
    )
    assert done.ran("h1") == ["fail", "rescue 1", "always", "after"]
    assert done.ran("h2") == ["fine", "rest", "always", "after"]
    assert done.recap("h1") == {"ok": 3, "changed": 3, "rescued": 1}


def test_always_runs_and_the_failure_stays(tmp_path: Path) -> None:
    done = play(
        tmp_path, tasks("- block:\n    - command: fail\n  always:\n    - command: always\n- command: after")
    )
    assert done.ran("h1") == ["fail", "always"]
    assert done.recap("h1") == {"ok": 1, "changed": 1, "failed": 1}


def test_nested_blocks_fail_outward(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- block:
    - block:
        - command: fail
      always:
        - command: inner
  rescue:
    - command: outer
- command: after
"""),
    )
    assert done.ran("h1") == ["fail", "inner", "outer", "after"]
    assert done.recap("h1")["rescued"] == 1


def test_hosts_go_in_step(tmp_path: Path) -> None:
    done = play(
        tmp_path, tasks("- command: a\n- command: b\n  when: inventory_hostname != 'h1'\n- command: c")
    )
    order = [str(args["_raw"]) for _, _, args in done.calls]
    assert order == ["a", "a", "a", "b", "b", "c", "c", "c"]


def test_free_hosts_do_not_wait(tmp_path: Path) -> None:
    head = "- hosts: all\n  gather_facts: false\n  strategy: free\n  tasks:\n"
    done = play(tmp_path, tasks("- command: a\n- command: b", head))
    assert done.ran("h1") == ["a", "b"]
    assert done.recap("h3") == {"ok": 2, "changed": 2}


def test_handlers_run_once_in_their_order(tmp_path: Path) -> None:
    text = (
        tasks("""
- command: a
  notify: [second, first]
- command: b
  notify: first
- command: c
  changed_when: false
  notify: third
""")
        + """
  handlers:
    - name: first
      command: first
    - name: second
      command: second
    - name: third
      command: third
    - name: other
      command: listener
      listen: second
"""
    )
    done = play(tmp_path, text)
    assert done.ran("h1") == ["a", "b", "c", "first", "second", "listener"]


def test_flush_handlers(tmp_path: Path) -> None:
    text = (
        tasks("- command: a\n  notify: h\n- meta: flush_handlers\n- command: b")
        + """
  handlers:
    - name: h
      command: handler
"""
    )
    assert play(tmp_path, text).ran("h1") == ["a", "handler", "b"]


@pytest.mark.parametrize(("force", "ran"), [(True, ["a", "fail", "handler"]), (False, ["a", "fail"])])
def test_force_handlers(tmp_path: Path, force: bool, ran: list[str]) -> None:
    text = (
        tasks("- command: a\n  notify: h\n- command: fail\n- command: b")
        + """
  handlers:
    - name: h
      command: handler
"""
    )
    assert play(tmp_path, text, force_handlers=force).ran("h1") == ran


def test_an_unknown_handler_fails(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- command: a\n  notify: \"{{ 'nobody' }}\"\n- command: b"))
    assert done.ran("h1") == ["a"]
    assert any("nobody" in message for message in done.said)


def test_loops_are_one_job(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: echo {{ item }}
  loop: [1, 2, 3]
  when: item != 2
  register: out
- debug:
    msg: "{{ out.results | map(attribute='item') | list }} {{ out.results[1] is skipped }}"
"""),
        hosts="h1",
    )
    assert done.jobs == 1
    assert done.ran("h1") == ["echo 1", "echo 3"]
    assert done.messages("h1")[-1] == "[1, 2, 3] True"


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ("with_items: [[1, 2], 3]\n  vars: {n: '{{ item }}'}", ["1", "2", "3"]),
        ("with_dict: {a: 1}\n  vars: {n: '{{ item.key }}{{ item.value }}'}", ["a1"]),
        ("with_nested: [[1, 2], [3]]\n  vars: {n: '{{ item | join }}'}", ["13", "23"]),
        ("with_sequence: start=1 end=3 format=n%02d\n  vars: {n: '{{ item }}'}", ["n01", "n02", "n03"]),
        ("with_together: [[1, 2], [3, 4]]\n  vars: {n: '{{ item.0 }}{{ item.1 }}'}", ["13", "24"]),
        ("loop: '{{ {\"k\": 5} | dict2items }}'\n  vars: {n: '{{ item.key }}'}", ["k"]),
        ("loop: [7]\n  loop_control: {loop_var: it, index_var: i}\n  vars: {n: '{{ it }}{{ i }}'}", ["70"]),
        ("loop: []", []),
    ],
)
def test_kinds_of_loops(tmp_path: Path, loop: str, words: list[str]) -> None:
    done = play(tmp_path, tasks(f"- command: '{{{{ n }}}}'\n  {loop}"), hosts="h1")
    assert done.ran("h1") == words


def test_until(tmp_path: Path) -> None:
    tries: dict[str, int] = {}

    def host(name: str, call: Any) -> dict[str, Any]:
        tries[name] = tries.get(name, 0) + 1
        return {"changed": True, "rc": 0, "stdout": str(tries[name]), "cmd": "x"}

    text = tasks(
        "- command: x\n  register: out\n  until: out.stdout == '3'\n  retries: 5\n  delay: 0\n"
        "- debug: msg={{ out.attempts }}"
    )
    done = play(tmp_path, text, hosts="h1", host=host)
    assert done.messages("h1")[-1] == 3
    failed = play(
        tmp_path, text.replace("'3'", "'99'").replace("retries: 5", "retries: 2"), hosts="h1", host=host
    )
    assert failed.recap("h1") == {"failed": 1}


def test_failed_when(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- command: a\n  register: r\n  failed_when: r.stdout == 'a'\n- command: b"))
    assert done.ran("h1") == ["a"]


def test_run_once_gives_its_result_to_all(tmp_path: Path) -> None:
    done = play(
        tmp_path, tasks("- command: once\n  run_once: true\n  register: r\n- debug: msg={{ r.stdout }}")
    )
    assert [where for where, _, args in done.calls if args.get("_raw") == "once"] == ["h1"]
    assert done.messages("h3")[-1] == "once"
    assert done.recap("h3") == {"ok": 1}


def test_delegation(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- command: a {{ inventory_hostname }}\n  delegate_to: h3"))
    assert [where for where, _, _ in done.calls] == ["h3"] * 3
    assert done.recap("h1") == {"ok": 1, "changed": 1}


def test_serial_and_max_fail(tmp_path: Path) -> None:
    head = "- hosts: all\n  gather_facts: false\n  serial: 1\n  tasks:\n"
    done = play(tmp_path, tasks("- command: a\n- command: b", head))
    assert [(w, a["_raw"]) for w, _, a in done.calls][:3] == [("h1", "a"), ("h1", "b"), ("h2", "a")]
    failing = tasks('- command: \'{{ "fail" if inventory_hostname == "h1" else "ok" }}\'', head)
    assert play(tmp_path, failing).ran("h2") == []
    strict = head.replace("serial: 1", "max_fail_percentage: 20")
    stopped = play(
        tmp_path,
        tasks('- command: \'{{ "fail" if inventory_hostname == "h1" else "ok" }}\'\n- command: b', strict),
    )
    assert stopped.machine.stopped_early
    assert stopped.ran("h2") == ["ok"]


def test_any_errors_fatal(tmp_path: Path) -> None:
    head = "- hosts: all\n  gather_facts: false\n  any_errors_fatal: true\n  tasks:\n"
    text = tasks('- command: \'{{ "fail" if inventory_hostname == "h1" else "ok" }}\'\n- command: b', head)
    done = play(tmp_path, text + "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: later\n")
    assert done.ran("h2") == ["ok"]
    assert done.machine.stopped_early
    assert done.machine.states["h2"].status == "cancelled"


def test_facts_are_gathered_when_somebody_reads_one(tmp_path: Path) -> None:
    head = "- hosts: all\n  tasks:\n"
    silent = play(tmp_path, tasks("- command: a", head))
    assert [module for _, module, _ in silent.calls].count("setup") == 0
    assert silent.recap("h1") == {"ok": 2, "changed": 1}
    read = play(
        tmp_path,
        tasks(
            "- debug: msg={{ ansible_distribution }}\n  when: inventory_hostname == 'h1'\n"
            "- debug: msg={{ hostvars['h2'].ansible_facts.hostname }}",
            head,
        ),
    )
    assert read.messages("h1") == ["Debian", "h2"]
    assert sorted(where for where, module, _ in read.calls if module == "setup") == ["h1", "h2"]


def test_no_facts_without_gathering(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- debug: msg={{ ansible_distribution | default('none') }}"))
    assert done.messages("h1") == ["none"]


def test_variables_by_rank(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(
        "a: group\nb: group\nc: group\nd: group\ne: group\nf: '{{ a }}-{{ b }}'\n"
    )
    (tmp_path / "extra.yml").write_text("c: file\nd: file\ne: file\n")
    head = (
        "- hosts: all\n  gather_facts: false\n  vars: {b: play, c: play, d: play, e: play}\n"
        "  vars_files: [extra.yml]\n  tasks:\n"
    )
    done = play(
        tmp_path,
        tasks(
            "- set_fact: {e: fact}\n- debug: msg={{ a }},{{ b }},{{ c }},{{ d }},{{ e }},{{ f }},{{ g }}\n"
            "  vars: {d: task, e: task}",
            head,
        ),
        hosts="h1",
        extra={"g": "extra"},
    )
    assert done.messages("h1")[-1] == "group,play,file,task,fact,group-play,extra"


def test_set_fact_is_data_from_then_on(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks(
            "- set_fact: {x: '{{ n }}', l: [1]}\n  vars: {n: 5}\n"
            "- set_fact: {l: '{{ l + [x] }}'}\n- debug: msg={{ l }}"
        ),
    )
    assert done.messages("h1")[-1] == [1, 5]


def test_include_and_import(tmp_path: Path) -> None:
    (tmp_path / "inc.yml").write_text("- command: inc {{ v }}\n  when: v != 2\n")
    done = play(
        tmp_path,
        tasks("""
- include_tasks: inc.yml
  loop: [1, 2, 3]
  loop_control: {loop_var: v}
- import_tasks: inc.yml
  vars: {v: 9}
- include_tasks: "{{ 'inc' }}.yml"
  vars: {v: 7}
  when: inventory_hostname == 'h1'
- command: end
"""),
        hosts="h1,h2",
    )
    assert done.ran("h1") == ["inc 1", "inc 3", "inc 9", "inc 7", "end"]
    assert done.ran("h2") == ["inc 1", "inc 3", "inc 9", "end"]


def test_roles(tmp_path: Path) -> None:
    for name, text in {
        "web/tasks/main.yml": "- command: web {{ nport }} {{ inner }} {{ role_name }}\n"
        "  notify: reload\n- include_tasks: more.yml\n",
        "web/tasks/more.yml": "- command: more\n",
        "web/tasks/other.yml": "- command: other {{ nport }}\n",
        "web/handlers/main.yml": "- name: reload\n  command: reload\n",
        "web/defaults/main.yml": "nport: 80\ninner: default\n",
        "web/vars/main.yml": "inner: vars\n",
        "web/meta/main.yml": "dependencies:\n  - role: base\n    level: 3\n",
        "base/tasks/main.yml": "- command: base {{ level }}\n",
    }.items():
        path = tmp_path / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    text = (
        "- hosts: all\n  gather_facts: false\n  roles:\n    - role: web\n      nport: 81\n  tasks:\n"
        "    - include_role: {name: web, tasks_from: other}\n"
        "    - import_role: {name: base}\n      vars: {level: 4}\n"
    )
    done = play(tmp_path, text, hosts="h1")
    assert done.ran("h1") == ["base 3", "web 81 vars web", "more", "base 3", "other 80", "base 4", "reload"]


def test_add_host_and_group_by(tmp_path: Path) -> None:
    text = (
        tasks(
            "- add_host: {name: new1, groups: fresh, color: red}\n- group_by: key=os_{{ inventory_hostname }}"
        )
        + """
- hosts: fresh:os_h2
  gather_facts: false
  tasks:
    - debug:
        msg: "{{ color | default('none') }} {{ groups['os_h1'] }}"
"""
    )
    done = play(tmp_path, text)
    assert done.messages("new1") == ["red ['h1']"]
    assert done.messages("h2")[-1] == "none ['h1']"


def test_tags(tmp_path: Path) -> None:
    text = tasks(
        "- command: a\n  tags: x\n- command: b\n  tags: [y, always]\n- command: c\n"
        "- command: d\n  tags: never"
    )
    assert play(tmp_path, text, choice=Choice(frozenset({"x"}))).ran("h1") == ["a", "b"]
    assert play(tmp_path, text).ran("h1") == ["a", "b", "c"]


def test_check_mode_reaches_the_calls(tmp_path: Path) -> None:
    modes = []

    def host(name: str, call: Any) -> dict[str, Any]:
        modes.append((call.args["_raw"], call.check))
        return {"changed": False}

    play(
        tmp_path,
        tasks("- command: a\n- command: b\n  check_mode: false"),
        hosts="h1",
        host=host,
        defaults=Defaults(check=True),
    )
    assert modes == [("a", True), ("b", False)]


def test_no_log_hides(tmp_path: Path) -> None:
    done = play(
        tmp_path, tasks("- command: secret\n  no_log: true\n  register: r\n- debug: msg={{ r.stdout }}")
    )
    assert "secret" not in str(done.events[0].result)
    assert done.messages("h1")[-1] == "secret"


def test_end_host_and_end_play(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks(
            "- meta: end_host\n  when: inventory_hostname == 'h1'\n- command: a\n"
            "- meta: end_play\n- command: b"
        ),
    )
    assert done.ran("h1") == []
    assert done.ran("h2") == ["a"]


def test_undefined_in_an_argument_fails_the_task(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- command: echo {{ nothing.here }}\n- command: b"))
    assert done.recap("h1") == {"failed": 1}
    assert "nothing" in done.events[0].result["msg"]


def test_become(tmp_path: Path) -> None:
    seen = []

    def host(name: str, call: Any) -> dict[str, Any]:
        seen.append(call.become and (call.become.user, call.become.method))
        return {"changed": False}

    text = tasks(
        "- command: a\n- command: b\n  become: false\n- command: c\n  become_user: db\n  become_method: su",
        "- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n",
    )
    play(tmp_path, text, hosts="h1", host=host)
    assert seen == [("root", "sudo"), None, ("db", "su")]


def test_a_thousand_hosts_do_not_wait_for_the_parent(tmp_path: Path) -> None:
    import time

    body = "".join(
        f"    - command: echo {{{{ inventory_hostname }}}} {n} {{{{ v }}}}\n      when: v == 1\n"
        for n in range(5)
    )
    text = "- hosts: all\n  gather_facts: false\n  vars: {v: 1}\n  tasks:\n" + body
    began = time.process_time()
    done = play(tmp_path, text, hosts=",".join(f"n{n}" for n in range(400)))
    rate = len(done.calls) / (time.process_time() - began)
    assert len(done.calls) == 2000
    assert rate > 2000, f"{rate:.0f} tasks of hosts in a second of CPU"


def test_vault_files_beside_the_playbook(tmp_path: Path) -> None:
    from hostpool.secrets import Secret
    from tests.playbook.vaults import encrypted

    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(encrypted(b"word: hidden\n", "key"))
    done = play(tmp_path, tasks("- debug: msg={{ word }}"), hosts="h1", passwords=[Secret("key")])
    assert done.messages("h1") == ["hidden"]


def test_delegated_facts(tmp_path: Path) -> None:
    text = tasks("- set_fact: {x: '{{ inventory_hostname }}'}\n  delegate_to: h3\n  delegate_facts: true\n"
                 "  when: inventory_hostname == 'h1'\n- debug: msg={{ hostvars['h3'].x }}")  # fmt: skip
    assert play(tmp_path, text).messages("h1") == ["h1"]


def test_a_timeout_goes_with_the_job(tmp_path: Path) -> None:
    seen = []

    def host(name: str, call: Any) -> dict[str, Any]:
        seen.append(call.args["_raw"])
        return {"changed": False}

    done = play(
        tmp_path,
        tasks("- command: a\n  timeout: '{{ 2 + 1 }}'\n- command: b\n  timeout: '{{ \"soon\" }}'"),
        hosts="h1",
        host=host,
    )
    assert seen == ["a"]
    assert done.recap("h1") == {"ok": 1, "failed": 1}


def test_an_encrypted_source_is_not_copied_as_it_is(tmp_path: Path) -> None:
    from tests.playbook.vaults import encrypted

    (tmp_path / "secret").write_text(encrypted(b"x", "key"))
    done = play(tmp_path, tasks("- copy: {src: secret, dest: /x}"), hosts="h1")
    assert "not supported" in done.messages("h1")[0]
    assert done.calls == []
