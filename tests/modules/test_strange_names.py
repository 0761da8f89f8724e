"""Names that a shell could take for something else, in modules about a file's content."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hostpool.tasks.modules.writing import Content
from tests.modules.shell import Shell

NAMES = ("-rf", "$(touch out) `touch out`", "'\"' a b;ls", "new\nline", "end\n", "*[!é] ü", "~")


@pytest.fixture(params=["gnu", "busybox"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return Shell(tmp_path, ("tar", "gzip", "unzip"), busybox=request.param == "busybox")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name(host: Shell, name: str) -> None:
    path = host.place / name

    def run(module: str, **args: Any) -> dict[str, Any]:
        result = host.run(module, **args)
        assert not result.get("failed"), (module, result)
        return result

    run("blockinfile", path=str(path), block="text", create=True)
    assert path.read_text().startswith("# BEGIN")
    run("replace", path=str(path), regexp="^text$", replace="other", backup=True)
    run("ini_file", path=str(path), section="s", option="o", value=name.replace("\n", ""))
    assert "other" in path.read_text()
    assert run("slurp", src=str(path))["source"] == str(path)
    assert run("stat", path=str(path))["stat"]["exists"]
    found = run(
        "find",
        paths=[str(host.place)],
        patterns=[re.escape(name)],
        use_regex=True,
        contains="other",
        get_checksum=True,
    )
    assert [file["path"] for file in found["files"]] == [str(path)]
    assert len(found["files"][0]["checksum"]) == 40
    run("file", path=str(path), modification_time="202401020304.05", mode="0600")
    made = run("tempfile", path=str(host.place), prefix=name)["path"]
    assert Path(made).name.startswith(name)
    dest = host.place / "d" / name
    dest.mkdir(parents=True)
    run("unarchive", src=name, dest=str(dest), _content=Content.of(archive(name)), include=[name])
    assert (dest / name).read_text() == "unpacked"
    assert not (host.place / "out").exists()


def archive(name: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 8
        tar.addfile(member, io.BytesIO(b"unpacked"))
    return data.getvalue()
