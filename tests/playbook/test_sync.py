"""Trees by sync and synchronize on real hosts: foretold, shown, and nothing to do the second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.conftest import Play

HEAD = "- hosts: h001\n  gather_facts: false\n  tasks:\n"
TASKS = {
    "sync": "sync: {{src: tree/, dest: {to}, exclude: ['*.tmp'], include: [kept.tmp], "
    "chmod: 'F640,D750'{more}}}",
    "synchronize": "synchronize: {{src: tree/, dest: {to}, {more} rsync_opts: [--include=kept.tmp, "
    "'--exclude=*.tmp', '--chmod=F640,D750']}}",
}


def results(ended: Any) -> dict[str, Any]:
    found: dict[str, Any] = ended.document["plays"][0]["tasks"][0]["hosts"]["h001"]
    return found


@pytest.mark.parametrize("module", TASKS)
def test_a_tree(module: str, play: Play, tmp_path: Path) -> None:
    tree, there = tmp_path / "tree", tmp_path / "there"
    (tree / "below").mkdir(parents=True)
    for name in ("one", "left.tmp", "kept.tmp", "below/two"):
        (tree / name).write_text(f"{name}\n")
    path = tmp_path / "site.yml"

    def written(more: str = "") -> Path:
        path.write_text(HEAD + f"    - {TASKS[module].format(to=there, more=more)}\n")
        return path

    foretold = results(play(written(), "-C", "-D"))
    assert not there.exists()
    first = results(play(written(), "-D"))
    assert (foretold["status"], first["status"]) == ("changed", "changed")
    assert foretold["result"] == first["result"]
    assert "one" in first["diff"]
    assert sorted(str(each.relative_to(there)) for each in there.rglob("*")) == [
        "below", "below/two", "kept.tmp", "one",
    ]  # fmt: skip
    assert (there / "one").stat().st_mode & 0o777 == 0o640
    assert results(play(written()))["status"] == "ok"
    (there / "extra").write_text("x")
    deleting = ", delete: true, max_delete: '50%'" if module == "sync" else "delete: true,"
    gone = results(play(written(deleting)))
    assert gone["result"]["deleted"] == 1
    assert not (there / "extra").exists()


def test_what_is_not_supported_is_named(play: Play, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    path = tmp_path / "site.yml"
    path.write_text(HEAD + "    - synchronize: {src: tree/, dest: /x, mode: pull}\n")
    refused = play(path)
    assert refused.code == 2
    assert "mode must be one of: push" in refused.err
    path.write_text(HEAD + "    - sync: {src: tree/, dest: /x, delete: true}\n")
    empty = results(play(path))
    assert empty["status"] == "failed"
    assert "empty" in json.dumps(empty["result"])
