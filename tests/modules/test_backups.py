"""``backup: yes``: no old file is ever lost to a later one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostpool.tasks.modules.writing import Content
from tests.modules.shell import Shell

Change = Callable[[Shell, Path], dict[str, Any]]
NEW = "new\n"


def edited(host: Shell, path: Path) -> dict[str, Any]:
    return host.run("replace", path=str(path), regexp=".+", replace="new", backup=True)


def line(host: Shell, path: Path) -> dict[str, Any]:
    result = host.run("lineinfile", path=str(path), regexp=".", line="new", backup=True)
    return {**result, "backup_file": result["backup"]}


def copied(host: Shell, path: Path) -> dict[str, Any]:
    return host.run("copy", dest=str(path), _content=Content.of(NEW.encode()), src="", backup=True)


def on_the_host(host: Shell, path: Path) -> dict[str, Any]:
    source = host.place / "source"
    source.write_text(NEW)
    return host.run("copy", dest=str(path), src=str(source), remote_src=True, backup=True)


@pytest.mark.parametrize("change", [edited, line, copied, on_the_host])
def test_each_old_content_is_kept(tmp_path: Path, change: Change) -> None:
    """Whatever was there gives way to the same content, several times within a second."""
    host = Shell(tmp_path)
    path = host.place / "file"
    olds = [f"old {number}\n" for number in range(4)]
    kept = []
    for old in olds:
        path.write_text(old)
        result = change(host, path)
        assert result["changed"] is True, result
        assert path.read_text() == NEW
        kept.append(Path(result["backup_file"]))
    assert [each.read_text() for each in kept] == olds
    for each in kept:
        assert re.fullmatch(r"file\.[0-9]+\.20[0-9]{2}-[0-9]{2}-[0-9]{2}@[0-9:]{8}~", each.name), "as Ansible"
