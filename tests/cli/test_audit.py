"""The line in the system's log."""

from __future__ import annotations

import json
import os
import pwd

from hypothesis import given
from hypothesis import strategies as st

from hostpool.cli import audit


def test_line() -> None:
    who = {"user": "root", "sudo_user": "alice"}
    assert audit.line("a1b2c3", "uptime -p", 40, become="root", check=False, who=who) == (
        'run=a1b2c3 user=root sudo_user=alice hosts=40 become=root task="uptime -p"'
    )
    assert audit.line("a1", "true", 1, become=None, check=True, who={"user": "u"}) == (
        "run=a1 user=u hosts=1 check=yes task=true"
    )


def test_secrets_are_masked() -> None:
    line = audit.line("a1", "mysql --password=hunter22", 1, become=None, check=False, who={})
    assert "hunter22" not in line


@given(st.text())
def test_a_task_cannot_forge_a_line_or_a_field(task: str) -> None:
    line = audit.line("a1", task, 1, become=None, check=False, who={"user": "u"})
    assert line.isascii() and line.isprintable()
    assert len(line) < 8 * 1024
    shown = line.removeprefix("run=a1 user=u hosts=1 task=")
    if shown.startswith('"'):
        assert isinstance(json.loads(shown), str)
    else:
        assert not set(shown) & set(' ="')


def test_who() -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    assert audit.who({}) == {"user": me}
    assert audit.who({"SUDO_USER": "alice"}) == {"user": me, "sudo_user": "alice"}


def test_writing_never_fails() -> None:
    audit.write("a1", "true\0\n", 1, become=None, check=False)
