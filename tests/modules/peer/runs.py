"""One playbook on two throw-away machines, by ansible-playbook and by us, and what each reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.farm import Machine
from tests.oracles import collections, interpreter, program

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
Result = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """What became of one task: ``status`` is ok, changed, failed or skipped."""

    task: str
    status: str
    result: Result


def inventory(machine: Machine, place: Path) -> Path:
    path = machine.inventory(1, place / "hosts.ini")
    with path.open("a") as file:
        file.write(f"ansible_python_interpreter={interpreter()}\n")
    return path


def by_peer(hosts: Path, playbook: Path, home: Path, *more: str) -> list[Done]:
    record = home / "record.jsonl"
    record.unlink(missing_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "RECORD": str(record),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    words = [program("ansible-playbook"), "-i", hosts, *more, playbook]
    with tempfile.TemporaryDirectory(prefix="cp-") as sockets:  # below the home their names would be too long
        environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = sockets
        # Theirs refuses a standard input that somebody's ssh has left non-blocking: it gets one of its own.
        done = subprocess.run(
            list(map(str, words)), stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment,
            timeout=250, check=False,
        )  # fmt: skip
    assert record.exists(), done.stdout + done.stderr
    return [Done(**json.loads(line)) for line in record.read_text().splitlines()]


def by_us(hosts: Path, playbook: Path, home: Path, *more: str) -> list[Done]:
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment["XDG_CONFIG_HOME"] = environment["XDG_STATE_HOME"] = str(home / "none")
    words = ["-i", str(hosts), "-F", "none", "-o", "jsonl", *more, str(playbook)]
    done = subprocess.run(
        [sys.executable, "-m", "hostpool", "play", *words],
        capture_output=True, text=True, env=environment, timeout=250, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events, done.stderr
    assert events[-1]["event"] == "run_finished", done.stderr
    finished = [event for event in events if event["event"] == "task_finished"]
    return [Done(event["task"], event["status"], event["result"] or {}) for event in finished]
