"""A host without a network: a home directory, and a shell with the userland of our choice."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostpool.alarms import Alarms
from hostpool.errors import HostError, Unreachable
from hostpool.events import HostEvent
from hostpool.tasks.base import Effect, FileSource, Note, Outcome, Request, Run, RunReply, Task
from hostpool.tasks.shell import invocation
from hostpool.worker.clock import TaskClock
from hostpool.worker.transfers import Transfers

GNU = "/usr/bin:/bin:/usr/sbin:/sbin"


def busybox(directory: Path) -> str:
    """A PATH of links to busybox's applets and nothing else."""
    tool = shutil.which("busybox")
    assert tool is not None, "tests need busybox: apt-get install busybox"
    for name in subprocess.run([tool, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (directory / name).symlink_to(tool)
    return str(directory)


class Quiet:
    """A reporter of nothing."""

    def __init__(self) -> None:
        self.events: list[HostEvent] = []
        self.alarms = Alarms()
        self.clock = TaskClock(self.alarms, None, None, lambda reason: None)

    def event(self, event: HostEvent) -> None:
        self.events.append(event)

    optional = event


@dataclass
class Host:
    """Runs tasks as a worker would. ``trips`` counts what was executed, ``sent`` bytes of input.

    ``cut``: the connection breaks after so many bytes of the second execution's input. ``lost``: there
    is none any more after so many executions.
    """

    home: Path
    path: str = GNU
    shell: str = "/bin/sh"
    trips: int = 0
    sent: int = 0
    notes: list[str] = field(default_factory=list)
    cut: int | None = None
    lost: int | None = None
    check: bool = False
    transfers: Transfers = field(default_factory=Transfers)
    limits: str = ""
    user: int | None = None

    def run(self, task: Task) -> Outcome:
        """Raises the HostError a task ends with."""
        return self._drive(task.steps())

    def _drive(self, steps: Generator[Request[Any], Any, Outcome]) -> Outcome:
        try:
            request = next(steps)
            while True:
                if self.check and request.effect is Effect.CHANGE:
                    steps.close()
                    assert request.foretells is not None
                    return request.foretells
                try:
                    reply = self._perform(request)
                except HostError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    def _perform(self, request: Request[Any]) -> Any:
        if isinstance(request, Run):
            return self._execute(request)
        if isinstance(request, Note):
            self.notes.append(request.message)
            return None
        return self.transfers.perform(request, "host", Quiet())  # type: ignore[arg-type]  # it only tells

    def _execute(self, request: Run) -> RunReply:
        if self.trips == self.lost:
            raise Unreachable("lost", kind="lost")
        self.trips += 1
        call = invocation(request, shell=True)
        words = [self.shell, "-c", self.limits + call.command.decode().replace("/bin/sh", self.shell)]
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
                cwd=self.home, user=self.user,
                env={"PATH": self.path, "HOME": str(self.home), "LC_ALL": "C"},
            )  # fmt: skip
            feeding = threading.Thread(target=self._feed, args=(child, call.head, request.stdin))
            feeding.start()
            out = b""
            assert child.stdout is not None
            try:
                while data := child.stdout.read(65536):
                    if request.into is not None:
                        request.into.feed(data)
                    else:
                        out += data
            except BaseException:
                child.kill()
                raise
            finally:
                child.stdout.close()
                code = child.wait()
                feeding.join()
            said.seek(0)
            return RunReply(exit_code=code, stdout=out, stderr=said.read())

    def _feed(self, child: subprocess.Popen[bytes], head: bytes, source: bytes | FileSource) -> None:
        assert child.stdin is not None
        left = self.cut if self.trips == 2 else None
        reading = io.BytesIO(source) if isinstance(source, bytes) else source.open()
        try:
            child.stdin.write(head)
            while data := reading.read(65536):
                part = data if left is None else data[:left]
                child.stdin.write(part)
                self.sent += len(part)
                if left is not None:
                    left -= len(part)
                    if not left:
                        break
            child.stdin.flush()
        except BrokenPipeError:
            pass
        finally:
            reading.close()
            try:
                child.stdin.close()
            except BrokenPipeError:
                pass


def look_below(top: Path) -> dict[str, tuple[Any, ...]]:
    """Without the directory itself: what is unpacked beside the targets changes its time."""
    return {name: each for name, each in look(top).items() if name != "."}


def look(top: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below a directory: kind, mode, whole seconds, content or target, and which names are
    one file. The directory itself is ``.``."""
    found: dict[str, tuple[Any, ...]] = {}
    inodes: dict[tuple[int, int], str] = {}
    base = os.fsencode(top)
    for directory, subdirectories, files in os.walk(base):
        names = [directory] if directory == base else []
        names += [os.path.join(directory, name) for name in sorted(subdirectories + files)]  # noqa: PTH118
        for path in names:
            known = os.lstat(path)
            name = os.fsdecode(os.path.relpath(path, base))
            mode, seconds = known.st_mode & 0o7777, known.st_mtime_ns // 10**9
            if os.path.islink(path):  # noqa: PTH114
                found[name] = ("link", os.readlink(path))  # noqa: PTH115
            elif os.path.isdir(path):  # noqa: PTH112
                found[name] = ("directory", mode, seconds)
            else:
                first = inodes.setdefault((known.st_dev, known.st_ino), name)
                with open(path, "rb") as file:
                    found[name] = ("file", mode, seconds, file.read(), first)
    return found
