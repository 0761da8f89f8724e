"""One run over hosts that each go wrong in their own way: each gets its own status, kind and hint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Hostpool
from tests.farm import Hostile, Refusing, Sshd
from tests.farm.hostile import mute

EXPECTED = {
    "fine": ("ok", None),
    "exits": ("failed", "exit_status"),
    "refuses": ("unreachable", "refused"),
    "mute": ("unreachable", "banner"),
    "changed": ("unreachable", "host_key_changed"),
    "unknown": ("unreachable", "host_key_unknown"),
}


@pytest.fixture
def inventory(sshd: Sshd, tmp_path: Path) -> Any:
    fine, exits, changed, unknown = sshd.addresses(4)
    other_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEyf6aj9tc6tBOjJKh7v2ZWwE8DBgzbtCyJ4Ga2Il2Xr"
    known = [f"[{address}]:{sshd.port} {sshd.host_key}" for address in (fine, exits)]
    known.append(f"[{changed}]:{sshd.port} {other_key}")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("\n".join(known) + "\n")
    with Refusing() as refusing, Hostile(mute) as silent:
        lines = [
            f"fine ansible_host={fine} ansible_port={sshd.port}",
            f"exits ansible_host={exits} ansible_port={sshd.port} code=7",
            f"refuses ansible_host={refusing.address} ansible_port={refusing.port}",
            f"mute ansible_host={silent.address} ansible_port={silent.port}",
            f"changed ansible_host={changed} ansible_port={sshd.port}",
            f"unknown ansible_host={unknown} ansible_port={sshd.port}",
            "[all:vars]",
            "code=0",
            f"ansible_user={sshd.user}",
            f"ansible_ssh_private_key_file={sshd.client_key}",
            f"ansible_ssh_common_args='-o UserKnownHostsFile={known_hosts} -o GlobalKnownHostsFile=none'",
        ]
        path = tmp_path / "hosts.ini"
        path.write_text("\n".join(lines) + "\n")
        yield str(path)


def _args(inventory: str, *more: str) -> list[str]:
    options = ["-i", inventory, "-T", "2", "--retries", "0", *more]
    return ["run", *options, "--subst", "all", "exit {{ code }}"]


def test_each_host_gets_its_own_truth(hostpool: Hostpool, inventory: str) -> None:
    ended = hostpool(*_args(inventory, "-o", "json"))
    document = json.loads(ended.out)
    assert ended.code == document["exit_code"] == 4
    found = {
        host: (result["status"], result["error"] and result["error"]["kind"])
        for host, result in document["hosts"].items()
    }
    assert found == EXPECTED
    errors = [result["error"] for result in document["hosts"].values() if result["error"]]
    assert len({error["message"] for error in errors}) == 5
    assert all(error["hint"] for error in errors)
    assert len({error["hint"] for error in errors}) == 5
    assert document["hosts"]["exits"]["exit_code"] == 7
    assert document["counts"]["unreachable"] == 4


def test_a_person_reads_reasons_and_hints(hostpool: Hostpool, inventory: str) -> None:
    ended = hostpool(*_args(inventory))
    assert ended.code == 4 and "Traceback" not in ended.err
    for words in ("connection refused", "SHA256:", "hint", "6 hosts"):
        assert words in ended.err, words
    for host in EXPECTED:
        assert host in ended.out + ended.err


def test_jsonl_reports_every_host_once(hostpool: Hostpool, inventory: str) -> None:
    ended = hostpool(*_args(inventory, "-o", "jsonl"))
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert all(list(line)[:3] == ["v", "event", "ts"] for line in lines)
    finished = [line["host"] for line in lines if line["event"] == "host_finished"]
    assert sorted(finished) == sorted(EXPECTED)
    assert lines[0]["event"] == "run_started" and lines[-1]["event"] == "run_finished"
