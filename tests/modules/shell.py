"""Modules whose programs are run here, by a shell that finds some programs only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hostpool.tasks.base import Run, RunReply
from hostpool.tasks.modules.job import Call, perform

COMMON = (
    "sh", "cat", "mktemp", "rm", "sed", "tail", "tr", "wc", "head", "date", "stat", "cmp", "cp", "mv",
    "chmod", "chown", "sleep", "grep", "sha1sum", "sha256sum", "md5sum", "readlink", "env", "touch", "mkdir",
    "od", "id", "find", "cksum", "awk", "ln", "ls",
)  # fmt: skip


class Shell:
    """``place`` is for data, ``temporary`` is TMPDIR. ``busybox``: its applets in the place of all others."""

    def __init__(self, top: Path, programs: tuple[str, ...] = (), *, busybox: bool = False) -> None:
        self.place = top / "data"
        self.bin = top / "bin"
        self.temporary = top / "tmp"
        for each in (self.place, self.bin, self.temporary):
            each.mkdir()
        for name in (*COMMON, *programs):
            found = shutil.which("busybox" if busybox else name)
            assert found is not None, name
            (self.bin / name).symlink_to(found)

    def run(self, module: str, *, check: bool = False, **args: Any) -> dict[str, Any]:
        """The result; nothing of ours may be left."""
        steps = perform(Call(module, args, check=check))
        try:
            request = next(steps)
            while True:
                assert isinstance(request, Run)
                request = steps.send(self._reply(request))
        except StopIteration as end:
            result: dict[str, Any] = end.value
        assert list(self.temporary.iterdir()) == []
        assert not [path for path in self.place.rglob("*") if ".hostpool" in path.name]
        return result

    def _reply(self, request: Run) -> RunReply:
        assert request.program is not None
        stdin = request.stdin
        if not isinstance(stdin, bytes):
            source = stdin.open()
            stdin = b"".join(iter(lambda: source.read(1 << 16), b""))
            source.close()
        done = subprocess.run(
            [str(self.bin / "sh"), "-c", request.program, "sh", *request.args],
            input=stdin, capture_output=True, check=False, timeout=120,
            env={"PATH": str(self.bin), "HOME": str(self.place), "TMPDIR": str(self.temporary)},
        )  # fmt: skip
        if request.into is not None:
            request.into.feed(done.stdout)
        return RunReply(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)
