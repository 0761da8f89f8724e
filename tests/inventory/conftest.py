"""The oracles: what Ansible and nodeset make of the same input."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELPER = Path(__file__).with_name("ansible_oracle.py")
ANSIBLE = "ansible-core>=2.19,<2.20"
NODESET = "nodeset is not installed; install it with: apt-get install -y clustershell"


def words(text: str) -> list[str]:
    return text.split()


def _environment() -> Path:
    """A virtual environment with ansible-core, made once and reused; safe under pytest-xdist."""
    given = os.environ.get("HOSTPOOL_ORACLES_VENV")
    place = Path(given) if given else ROOT / ".venv-oracles"
    ready = place / "ready"
    if ready.exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            if not (place / "bin" / "pip").exists():
                venv.create(place, with_pip=True)
            subprocess.run([place / "bin" / "pip", "install", "--quiet", ANSIBLE], check=True)
            ready.touch()
    return place


class Helper:
    """A process that answers requests, one JSON line each."""

    def __init__(self, command: Sequence[str | Path], home: Path) -> None:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            # Where groups form a diamond, the order of Ansible's own sets decides.
            "PYTHONHASHSEED": "0",
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=home,
        )

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise AssertionError(reply["error"])
        return reply["out"]

    def close(self) -> None:
        self._process.communicate()


class Ansible:
    """ansible-inventory and ansible --list-hosts, answering in milliseconds."""

    def __init__(self, place: Path, home: Path) -> None:
        self.bin = place / "bin"
        self.home = home
        self._helper = Helper([self.bin / "python", HELPER], home)

    def listing(self, *sources: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._command("--list", *sources))
        # Where the interpreter of the control node is does not matter to a tool that needs none.
        for values in found.get("_meta", {}).get("hostvars", {}).values():
            values.pop("ansible_python_interpreter", None)
        return found

    def graph(self, *sources: str | Path, variables: bool = False, start: str = "all") -> str:
        return self._command("--graph", *sources, more=[start, *(["--vars"] if variables else [])])

    def host(self, name: str, *sources: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._command("--host", *sources, more=[name], after=True))
        found.pop("ansible_python_interpreter", None)
        return found

    def _command(
        self, action: str, *sources: str | Path, more: Sequence[str] = (), after: bool = False
    ) -> str:
        named = [word for source in sources for word in ("-i", str(source))]
        argv = [*named, action, *more] if after else [*named, *more, action]
        return str(self._helper.ask(argv=argv)).rstrip("\n")

    def select(
        self, sources: Sequence[str | Path], patterns: Sequence[str], limit: str | None = None
    ) -> list[Any]:
        """For each pattern the names of its hosts, or the text of the error."""
        found: list[Any] = self._helper.ask(sources=list(map(str, sources)), patterns=patterns, limit=limit)
        return found

    def close(self) -> None:
        self._helper.close()


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ansible]:
    oracle = Ansible(_environment(), tmp_path_factory.mktemp("ansible"))
    yield oracle
    oracle.close()


NODESET_HELPER = """
import json, sys
from ClusterShell.NodeSet import NodeSet
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "fold" in request:
            out = str(NodeSet.fromlist(request["fold"]))
        else:
            out = list(NodeSet(request["expand"], resolver=None))
    except Exception as error:
        out = None
    print(json.dumps({"out": out}), flush=True)
"""


class Nodeset:
    def __init__(self, home: Path) -> None:
        found = shutil.which("nodeset")
        if found is None:
            raise AssertionError(NODESET)
        # The interpreter that nodeset itself runs with has its library.
        first = Path(found).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        interpreter = first.removeprefix("#!").split() if first.startswith("#!") else [sys.executable]
        self.program = found
        self._helper = Helper([*interpreter, "-c", NODESET_HELPER], home)

    def fold(self, names: Sequence[str]) -> str:
        return str(self._helper.ask(fold=names))

    def expand(self, text: str) -> list[str] | None:
        """The names, None for what nodeset refuses."""
        found: list[str] | None = self._helper.ask(expand=text)
        return found

    def close(self) -> None:
        self._helper.close()


@pytest.fixture(scope="session")
def nodeset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodeset]:
    oracle = Nodeset(tmp_path_factory.mktemp("nodeset"))
    yield oracle
    oracle.close()
