"""Everything wrong with how hosts are reached is said at once, before the first of them is touched."""

from __future__ import annotations

from pathlib import Path

from hostpool.events import Warning
from tests.cli.conftest import Hostpool
from tests.farm import Sshd


def test_all_that_is_wrong_is_listed_and_no_host_is_touched(
    hostpool: Hostpool, sshd: Sshd, tmp_path: Path
) -> None:
    hosts = sshd.inventory(4, tmp_path / "hosts.ini")
    text = hosts.read_text()
    for name, wrong in (("h002", "ansible_port=many"), ("h003", "ansible_become=perhaps")):
        text = text.replace(f"{name} ", f"{name} {wrong} ")
    hosts.write_text(text.replace("h004 ", "h004 ansible_user='{{ nobody_knows }}' "))
    mark = tmp_path / "mark"
    ended = hostpool("run", "-i", str(hosts), "all", f"touch {mark}")
    assert ended.code == 2 and not mark.exists()
    for words in ("h002: ansible_port is 'many'", "h003: ansible_become is 'perhaps'", "nobody_knows"):
        assert words in ended.err
    assert ended.err.count("error: ") == 3 and ended.out == ""


def test_a_broken_ssh_config_names_its_lines(hostpool: Hostpool, sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Port many\nHost *\n  Compresion yes\n")
    hosts = sshd.inventory(2, tmp_path / "hosts.ini")
    ended = hostpool("run", "-i", str(hosts), "-F", str(config), "all", "true")
    assert ended.code == 2
    assert f"{config}:1" in ended.err and f"{config}:3" in ended.err and "Compression" in ended.err


def test_what_ssh_config_asks_for_and_is_not_done_is_said_once(
    hostpool: Hostpool, sshd: Sshd, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  CheckHostIP yes\n")
    hosts = sshd.inventory(3, tmp_path / "hosts.ini")
    ended = hostpool("run", "-i", str(hosts), "-F", str(config), "all", "true")
    assert ended.code == 0
    assert ended.err.count("warning: ") == 1
    assert f"warning: CheckHostIP yes ({config}:2): only the key known for the name" in ended.err


def test_bad_lines_of_known_hosts_are_named_once(hostpool: Hostpool, sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    sshd.addresses(8)
    known.write_text("nonsense\n" + sshd.known_hosts.read_text() + "h ssh-ed25519 !!!\n")
    hosts = sshd.inventory(8, tmp_path / "hosts.ini")
    hosts.write_text(hosts.read_text().replace(str(sshd.known_hosts), str(known)))
    ended = hostpool("run", "-i", str(hosts), "--workers", "2", "-o", "jsonl", "all", "true")
    assert ended.code == 0
    lines = len(known.read_text().splitlines())
    warnings = [event.message for event in ended.events if isinstance(event, Warning)]
    assert [text.split(": ")[0] for text in warnings] == [f"{known}:1", f"{known}:{lines}"]
    assert all("skipped" in text for text in warnings)
