"""``hostpool reboot`` on real servers that go down and come back (or do not)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Hostpool
from tests.farm import Sshd


class Machine:
    """A server that reboots when the file ``ask`` appears; ``id`` holds the id of its boot. Several of
    its addresses are several hosts that share its fate."""

    def __init__(self, server: Sshd, directory: Path, *, down: float = 1.0, stays: bool = False) -> None:
        self.server = server
        self.ask = directory / "ask"
        self.id = directory / "id"
        self.id.write_text("boot 0\n")
        self.reboots: list[float] = []
        self._down = down
        self._stays = stays
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ending.wait(0.05):
            if self.ask.exists():
                self.ask.unlink()
                self.reboots.append(time.monotonic())
                self.server.reboot(down=self._down, changes=self._changes)

    def _changes(self) -> None:
        if self._stays:
            self._ending.wait()
        self.id.write_text(f"boot {len(self.reboots)}\n")

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def args(self) -> tuple[str, ...]:
        return ("--reboot-command", f"touch {self.ask}; sleep 9", "--boot-id-command", f"cat {self.id}")


@pytest.fixture
def server() -> Iterator[Sshd]:
    with Sshd() as made:
        yield made


@pytest.fixture
def machine(server: Sshd, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(server, tmp_path)
    yield made
    made.stop()


def one(ended: Any, host: str = "h001") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(ended.out)["hosts"][host]
    return result


def test_changed_once_it_is_back(hostpool: Hostpool, machine: Machine, tmp_path: Path) -> None:
    hosts = str(machine.server.inventory(1, tmp_path / "hosts.ini"))
    ended = hostpool("reboot", "-i", hosts, *machine.args, "-o", "json", "all")
    result = one(ended)
    assert (ended.code, result["status"], result["changed"]) == (0, "changed", True), ended.out
    assert result["result"]["boot_id"] == "boot 1" and result["result"]["boot_id_before"] == "boot 0"
    assert result["result"]["seconds"] >= 1.0
    assert len(machine.reboots) == 1


def test_batches_wait_for_the_last_one_to_be_back(
    hostpool: Hostpool, machine: Machine, tmp_path: Path
) -> None:
    hosts = str(machine.server.inventory(2, tmp_path / "hosts.ini"))
    ended = hostpool("reboot", "-i", hosts, *machine.args, "--batch", "1", "--changed-exit-code", "all")
    assert ended.code == 6, ended.err
    assert "2 changed" in ended.err and "boot_id" not in ended.out
    assert len(machine.reboots) == 2 and machine.reboots[1] - machine.reboots[0] >= 1.0


def test_one_that_stays_away_stops_the_next_batch(hostpool: Hostpool, server: Sshd, tmp_path: Path) -> None:
    machine = Machine(server, tmp_path, stays=True)
    try:
        hosts = str(server.inventory(3, tmp_path / "hosts.ini"))
        args = ("--batch", "1", "--reboot-timeout", "3", "-o", "json")
        ended = hostpool("reboot", "-i", hosts, *machine.args, *args, "all")
    finally:
        machine.stop()
    assert ended.code == 5
    assert (one(ended)["status"], one(ended)["error"]["kind"]) == ("lost", "not_back")
    assert "not back within 3 s: connection refused" in one(ended)["error"]["message"]
    assert [one(ended, host)["status"] for host in ("h002", "h003")] == ["not_run"] * 2


@pytest.mark.parametrize(
    ("command", "status", "kind"),
    [("true", "failed", "not_rebooted"), ("echo no >&2; exit 1", "failed", "reboot_refused")],
)
def test_a_host_that_does_not_go_down(
    hostpool: Hostpool, sshd: Sshd, tmp_path: Path, command: str, status: str, kind: str
) -> None:
    hosts = str(sshd.inventory(1, tmp_path / "hosts.ini"))
    args = ("--reboot-command", command, "--reboot-timeout", "2", "-o", "json")
    ended = hostpool("reboot", "-i", hosts, *args, "all")
    assert (ended.code, one(ended)["status"], one(ended)["error"]["kind"]) == (3, status, kind)


def test_check_mode_asks_and_does_nothing(hostpool: Hostpool, machine: Machine, tmp_path: Path) -> None:
    hosts = str(machine.server.inventory(1, tmp_path / "hosts.ini"))
    ended = hostpool("reboot", "-C", "-i", hosts, *machine.args, "-o", "json", "all")
    assert (ended.code, one(ended)["status"]) == (0, "changed")
    assert not machine.reboots


def test_the_default_boot_id_is_one(hostpool: Hostpool, sshd: Sshd, tmp_path: Path) -> None:
    hosts = str(sshd.inventory(1, tmp_path / "hosts.ini"))
    ended = hostpool("reboot", "-C", "-i", hosts, "-o", "json", "all")
    assert one(ended)["status"] == "changed"


def test_this_machine_is_not_rebooted(call: Hostpool) -> None:
    ended = call("reboot", "-i", "here,", "-e", "ansible_connection=local", "all")
    assert ended.code == 2 and "here is this machine" in ended.err


def test_a_reboot_is_done_again(
    hostpool: Hostpool, machine: Machine, server: Sshd, tmp_path: Path, workdir: Path
) -> None:
    """The host that could not tell its boot; nothing was rebooted then."""
    inventory = str(server.inventory(1, tmp_path / "hosts.ini"))
    there = machine.id.rename(tmp_path / "elsewhere")
    first = hostpool("reboot", "-i", inventory, "-o", "json", "-y", *machine.args, "all")
    assert one(first)["status"] == "failed" and not machine.reboots
    there.rename(machine.id)
    again = hostpool("rerun", "--failed", "-y", "-o", "json")
    assert one(again)["status"] == "changed" and len(machine.reboots) == 1
