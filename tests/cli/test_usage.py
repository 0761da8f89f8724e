"""What people type wrong, and what they are told: exit code 2, a reason, a hint, no host touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Hostpool

INVENTORY = "[web]\nweb[1:3]\n[db]\ndb1\n"


@pytest.fixture(autouse=True)
def inventory(workdir: Path) -> Path:
    file = workdir / "inventories" / "hosts.ini"
    file.parent.mkdir()
    file.write_text(INVENTORY)
    return file


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("web uptime", "hostpool has no command 'web'", "`hostpool run web uptime`"),
        ("rnu web uptime", "no command 'rnu'", "`hostpool run web uptime`"),
        ("frobnicate", "no command 'frobnicate'", "there are run, script,"),
        ("--verison", "hostpool has no option --verison", "--version"),
        ("run", "no hosts are named", "a group, a host"),
        ("run web", "no command to run on 'web'", "hostpool ping web"),
        ("run web -f 3", "no command to run", "uptime"),
        ("script web", "no script to run on 'web'", "a local file"),
        ("script web absent.sh", "absent.sh: the script cannot be read", "`hostpool run PATTERN COMMAND`"),
        ("ping web db", "'db' is one word too many", "usage: hostpool ping PATTERN"),
        ("run web --timeout 3 x", "--timeout could mean two things", "-T/--connect-timeout"),
        ("run web --timeout=3 x", "--timeout could mean two things", "--task-timeout"),
        ("run web --timout 3 x", "no option --timout", "--task-timeout"),
        ("run web -m ping", "no option -m", "`hostpool ping PATTERN`"),
        ("run web -a uptime", "no option -a", "`hostpool run PATTERN COMMAND`"),
        ("run -w web[1-3] uptime", "no option -w", "the hosts are the first word"),
        ("run web --fannout 3 x", "no option --fannout", "did you mean --fanout?"),
        ("run web --xyzzy x", "no option --xyzzy", "`hostpool run --help`"),
        ("run web -f", "-f needs a value", ""),
        ("run web -f zero x", "--fanout: 'zero' is not a whole number", ""),
        ("run web -f 0 x", "--fanout: at least 1", ""),
        (
            "run web --host-keys of x",
            "--host-keys: 'of' is none of strict, accept-new, off",
            "did you mean off",
        ),
        ("run wbe uptime", "wbe", "did you mean web"),
        ("run xyzzy uptime", "xyzzy", "hostpool inventory graph"),
        ("run nope* uptime", "no host matches 'nope*'", "its groups are web, db"),
        ("run web -l db uptime", "no host matches 'web' limited to 'db'", ""),
        ("run web -x all uptime", "no host matches 'web' without 'all'", ""),
        ("run web -i absent.ini uptime", "absent.ini", "absent.ini,"),
        ("run web --raw --chdir / ls", "--chdir needs a shell", "leave --raw out"),
        ("run web --become-password-file absent id", "the password file cannot be read", ""),
        ("run web -e ansible_password=hunter22 id", "shows the password", "-e @FILE"),
        ("run web --subst echo {{nope}}", "'nope' is undefined", "hostpool inventory show"),
        ("inventory lst", "hostpool inventory has no command 'lst'", "`hostpool inventory list`"),
        ("inventory show", "no host is named", "hostpool inventory list"),
        ("inventory show web9", "web9", ""),
        ("demo -n 0", "at least 1", ""),
        ("demo -n 900", "900", "-n HOSTS"),
    ],
)
def test_refused(line: str, message: str, hint: str, call: Hostpool) -> None:
    ended = call(*line.split())
    assert ended.code == 2, ended
    assert ended.out == ""
    assert ended.err.startswith(("error: ", "warning: "))
    assert message in ended.err
    assert hint in ended.err
    assert "hunter22" not in ended.err
    assert "Traceback" not in ended.err


def test_no_words_at_all_shows_the_help(call: Hostpool) -> None:
    ended = call()
    assert ended.code == 2
    assert ended.err.startswith("Usage: hostpool ")


def test_everything_wrong_with_the_flags_is_said_at_once(call: Hostpool) -> None:
    ended = call("run", "web", "-f", "x", "--port", "0", "uptime")
    assert ended.err.count("error: ") == 2


def test_everything_wrong_with_the_inventory_is_said_at_once(inventory: Path, call: Hostpool) -> None:
    inventory.write_text("[web]\nweb[1:x]\n[db:children]\nnope\n[a:b:c]\n")
    ended = call("run", "all", "uptime")
    assert ended.code == 2
    assert ended.err.count("error: ") >= 2
    assert f"{inventory}:2" in ended.err
    assert "^" in ended.err


def test_several_sources_and_no_choice(inventory: Path, call: Hostpool) -> None:
    (inventory.parent / "other.ini").write_text("x\n")
    ended = call("run", "all", "uptime")
    assert ended.code == 2
    assert "hosts.ini" in ended.err and "other.ini" in ended.err


def test_without_an_inventory_a_script_may_not_name_hosts(inventory: Path, hostpool: Hostpool) -> None:
    inventory.unlink()
    ended = hostpool("run", "root@10.0.0.1", "uptime")
    assert ended.code == 2
    assert "no inventory" in ended.err
    assert "-i 'h1,h2,'" in ended.err
    assert hostpool("run", "-i", "h1,h2,", "all", "--list-hosts").out == "h1\nh2\n"


def test_an_executable_is_run_only_when_typed(inventory: Path, hostpool: Hostpool) -> None:
    program = inventory.parent / "hosts.ini"
    program.write_text('#!/bin/sh\necho \'{"g": ["made"], "_meta": {"hostvars": {}}}\'\n')
    program.chmod(0o755)
    assert hostpool("run", "-i", str(program), "all", "--list-hosts").out == "made\n"
    for ended in (
        hostpool("run", "all", "--list-hosts"),
        hostpool("run", "all", "--list-hosts", HOSTPOOL_INVENTORY=str(program)),
    ):
        assert ended.code == 2
        assert "-i" in ended.err


def test_passwords_are_asked_at_a_terminal_only(hostpool: Hostpool) -> None:
    ended = hostpool("run", "web", "-K", "id")
    assert ended.code == 2
    assert "there is none" in ended.err and "--become-password-file" in ended.err


def test_list_hosts(call: Hostpool) -> None:
    assert call("run", "web", "--list-hosts").out == "web1\nweb2\nweb3\n"
    assert call("ping", "web:!web2", "--list-hosts").out == "web1\nweb3\n"
    assert call("run", "all", "-l", "web,db", "-x", "web[1-2]", "--list-hosts").out == "web3\ndb1\n"
    assert call("run", "web", "--list-hosts", "-o", "json").out == '["web1", "web2", "web3"]\n'
    picked = call("run", "all", "--pick", "2", "--list-hosts").out.split()
    assert len(picked) == 2 and set(picked) < {"web1", "web2", "web3", "db1"}
    assert len(call("run", "all", "--pick", "9", "--list-hosts").out.split()) == 4


def test_an_empty_environment_is_enough(workdir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from hostpool.__main__ import main; raise SystemExit(main())",
         "run", "-i", "h1,", "all", "--list-hosts"],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOSTPOOL_CONFIG": os.devnull},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "h1\n", "")


def test_nothing_of_the_current_directory_is_imported(workdir: Path, hostpool: Hostpool) -> None:
    """``python -m`` would; the console script and -P do not."""
    for name in ("selectors", "typer", "yaml", "socket"):
        (workdir / f"{name}.py").write_text("raise SystemExit('hijacked')\n")
    ended = hostpool("run", "-i", "localhost,", "all", "-C", "true", PYTHONSAFEPATH="1")
    assert "hijacked" not in ended.err + ended.out


def test_a_closed_pipe_is_silent(environment: dict[str, str], workdir: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hostpool", "run", "--help"],
            stdout=writer, stderr=subprocess.PIPE, env=environment, timeout=100,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_full_disk_is_no_bug(environment: dict[str, str], workdir: Path, buffered: str) -> None:
    environment["PYTHONUNBUFFERED"] = buffered
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hostpool", "inventory", "list"],
            stdout=full, stderr=subprocess.PIPE, env=environment, timeout=100,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"error: the output could not be written: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_bug(closed: str, environment: dict[str, str], workdir: Path) -> None:
    line = f'"{sys.executable}" -m hostpool run web --list-hosts {closed}'
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr and "bug" not in done.stderr
