"""One run over hosts that each go wrong in their own way, compared with the table row by row."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostpool import Command, HostPool
from hostpool.settings import Settings
from tests.farm import Sshd, wait_until
from tests.faults import page
from tests.faults.stage import Stage
from tests.faults.table import CONNECT_TIMEOUT, ELSEWHERE, FAULTS, TASK_TIMEOUT, Fault

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
BUSY = 1.0
"""Seconds that forty hosts at once on two cores may cost each of them."""


@pytest.fixture(scope="module")
def document(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What ``-o json`` says about the run, with the inventory's view of each host."""
    directory = tmp_path_factory.mktemp("faults")
    with contextlib.ExitStack() as stack:
        stage = Stage(sshd, directory, stack, root=AS_ROOT)
        inventory = directory / "hosts.yml"
        variables = {
            "ansible_user": sshd.user,
            "ansible_ssh_private_key_file": str(sshd.client_key),
            "ansible_ssh_common_args": "-o GlobalKnownHostsFile=none",
        }
        inventory.write_text(json.dumps({"all": {"hosts": stage.hosts, "vars": variables}}))
        done = subprocess.run(
            [
                sys.executable, "-m", "hostpool", "run", "-i", str(inventory), "-F", "none", "--retries", "0",
                "-T", str(CONNECT_TIMEOUT), "--task-timeout", str(TASK_TIMEOUT), "-o", "json",
                "--subst", "all", "{{ cmd }}",
            ],
            capture_output=True, text=True, timeout=100, env=_environment(directory), start_new_session=True,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        yield {**found, "code": done.returncode, "err": done.stderr, "stage": stage.hosts}


def _environment(home: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("HOSTPOOL_", "XDG_"))}
    kept.pop("SSH_AUTH_SOCK", None)
    marker = {name: value for name, value in os.environ.items() if name == "HOSTPOOL_TEST_SESSION"}
    return {**kept, **marker, "HOME": str(home), "PYTHONPATH": str(ROOT), "HOSTPOOL_SYSLOG": "off"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.key)
def test_it_is_told_as_the_table_says(document: dict[str, Any], fault: Fault) -> None:
    if fault.root and not AS_ROOT:
        pytest.skip("needs root, not run here")
    result = document["hosts"][fault.key]
    error = result["error"] or {"kind": None, "message": "", "hint": ""}
    assert (result["status"], error["kind"]) == (fault.status, fault.kind), error["message"]
    place = f"{result_place(document, fault.key)}"
    assert like(fault.message, error["message"], place, fault.key), error["message"]
    assert like(fault.hint, error["hint"] or "", place, fault.key), error["hint"]
    assert result["duration"] <= fault.seconds + 1.0 + BUSY


def result_place(document: dict[str, Any], key: str) -> str:
    host = document["stage"][key]
    return f"{host['ansible_host']}:{host['ansible_port']}"


def like(template: str, text: str, place: str, host: str) -> bool:
    pattern = re.escape(template.replace("HOST:PORT", place))
    for word, stands_for in (
        ("…", ".*"),
        ("FILE:LINE", r"\\S+:\\d+"),
        ("USER", r"\\S+"),
        ("HOST", re.escape(host)),
    ):
        pattern = re.sub(re.escape(re.escape(word)), stands_for, pattern)
    return re.fullmatch(pattern, text) is not None


def test_every_host_is_there_and_the_exit_code_is_the_worst(document: dict[str, Any]) -> None:
    expected = {fault.key for fault in FAULTS if AS_ROOT or not fault.root}
    assert set(document["hosts"]) == expected == set(document["stage"])
    assert document["code"] == document["exit_code"] == max(fault.exit_code for fault in FAULTS) == 4
    assert "Traceback" not in document["err"]


def test_what_else_is_said(document: dict[str, Any]) -> None:
    assert "child_left: the command ended, but a process it left behind" in document["err"]
    hosts = document["hosts"]
    assert hosts["max_startups"]["attempts"] == 3
    assert hosts["login_prints"]["stdout"].endswith("out\n")
    assert hosts["forced_command"]["stdout"] == "forced\n"
    assert hosts["endless_output"]["stdout_truncated"] is True
    assert len(hosts["endless_output"]["stdout"]) < 1_100_000


@pytest.mark.parametrize(("host", "code"), [("too_long", 3), ("signal", 3), ("stdin_closed", 0)])
def test_exit_codes_of_single_statuses(host: str, code: int) -> None:
    assert next(fault for fault in FAULTS if fault.key == host).exit_code == code


def test_a_killed_worker(sshd: Sshd, tmp_path: Path) -> None:
    (fault,) = (fault for fault in ELSEWHERE if fault.key == "worker_killed")
    inventory = str(sshd.inventory(1, tmp_path / "hosts.ini"))
    mark = tmp_path / "mark"
    with HostPool(inventory, workers=1, settings=Settings(ssh_config="none")) as pool:
        pending = pool.apply_async("h001", Command(f"touch {mark}; sleep 5"))
        wait_until(mark.exists, seconds=20)
        os.kill(pool.pids()[0], signal.SIGKILL)
        result = pending.get(60)
    assert result.error is not None and (result.status, result.error.kind) == (fault.status, fault.kind)
    assert (result.error.message, result.error.hint) == (fault.message, fault.hint)


def test_the_page_says_what_the_table_says() -> None:
    assert page.PAGE.read_text("utf-8") == page.renewed(), "python -m tests.faults.page renews it"
